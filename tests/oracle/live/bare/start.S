# Entered by IPL in ESA/390 mode with the PSW at 0; runs in z/Architecture mode.
	.section .lowcore, "ax"
	.long	0x00080000, 0x80000000 + start	# PSW of the IPL
	.org	0x1d0				# new PSW of a program interruption
	.quad	0x0000000180000000, failed
	.org	0x2000
	.globl	start
start:	slr	%r1, %r1
	slr	%r2, %r2
	lhi	%r1, 1
	sigp	%r0, %r2, 0x12			# SET ARCHITECTURE
	sam64
	larl	%r15, __stack
	larl	%r14, failed
	jg	run
failed:	lghi	%r2, 1
	jg	finish
