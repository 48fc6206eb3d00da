#include <malloc.h>
#include <sodium.h>
#include <stdio.h>

#include "base/err.h"
#include "ops/command.h"

/* glibc gives each thread a heap of its own, up to eight a core, and returns little of them: with the Kafka clients'
 * threads a fifth of the process was free memory in heaps that nobody else could use. */
enum { HEAPS = 2 };

/* Blocks as large as this are given back when they are freed. glibc would raise the bound to the largest block ever
 * freed, and then keep the holes. */
enum { LARGE_BLOCK = 1 << 20 };

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    if (sodium_init() < 0) {
        fputs("points: libsodium cannot be set up\n", stderr);
        return EXIT_INTERNAL;
    }
    return command_main(argc, argv, stdout, stderr);
}
