/* Reads the volume label, record 3 of the first track: see tests/linux/bare/bare.h. */

#include "../../linux/bare/bare.h"

void run(void)
{
    uint32_t number;

    begin_console();
    build();
    clear(extent + 8, 8);
    clear(locate + 4, 8);
    locate[12] = 3;
    program[2].count = 80;
    number = find_device();
    print_word("@ ssch ", start_subchannel(number, &orb));
    print_word("@ tsch ", wait_for_status(number));
    print_bytes("@ label ", data, 10);
}
