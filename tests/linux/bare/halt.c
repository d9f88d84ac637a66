/* Starts a read, halts it, reads again: see bare.h. */

#include "bare.h"

void run(void)
{
    uint32_t number;
    uint64_t begun;

    begin_console();
    build();
    number = find_device();
    print_word("@ program ", orb.program);

    print_word("@ ssch ", start_subchannel(number, &orb));
    spend(300000);
    print_word("@ pending-before ", test_subchannel(number, irb));
    begun = clock();
    print_word("@ hsch ", halt_subchannel(number, 0));
    print_word("@ tsch ", wait_for_status(number));
    print_word("@ microseconds ", clock() - begun);
    print_word("@ tsch-again ", test_subchannel(number, irb));

    print_word("@ ssch ", start_subchannel(number, &orb));
    print_word("@ tsch ", wait_for_status(number));
    print_bytes("@ data ", data, 16);
    print_word("@ tsch-again ", test_subchannel(number, irb));
    print("@ over\n");
}
