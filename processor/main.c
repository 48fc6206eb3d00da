#include <sodium.h>
#include <stdio.h>

#include "base/err.h"
#include "ops/command.h"

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        fputs("points: libsodium cannot be set up\n", stderr);
        return EXIT_INTERNAL;
    }
    return command_main(argc, argv, stdout, stderr);
}
