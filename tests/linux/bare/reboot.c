/*
 * Starts a read, has the machine IPLed again during it, and reads again: see bare.h.
 *
 * It marks its first run in storage that an IPL does not load.
 */

#include "bare.h"

#define IPL_AGAIN 3UL
#define REMEMBERED (*(volatile uint32_t *)0x00800000UL)
#define FIRST_LIFE 0x11f3u

void run(void)
{
    uint32_t number;

    begin_console();
    build();
    number = find_device();
    if (REMEMBERED != FIRST_LIFE) {
        REMEMBERED = FIRST_LIFE;
        print_word("@ ssch ", start_subchannel(number, &orb));
        spend(300000);
        print("@ rebooting\n");
        __asm__ volatile("diag %0,%1,0x308" : : "d"(0UL), "d"(IPL_AGAIN) : "memory");
    }
    print("@ rebooted\n");
    /* As an operating system does that does not know the state before it. */
    print_word("@ csch ", clear_subchannel(number, 0));
    print_word("@ tsch ", wait_for_status(number));
    print_word("@ ssch ", start_subchannel(number, &orb));
    print_word("@ tsch ", wait_for_status(number));
    print_bytes("@ data ", data, 16);
    print_word("@ tsch-again ", test_subchannel(number, irb));
    print("@ over\n");
}
