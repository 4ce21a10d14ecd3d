/* The image that children execute: static, without libc or loader, so that the time to its first
 * instruction is the kernel's alone.
 *
 *     forkbench-child STATUS          exits with STATUS
 *     forkbench-child STATUS FD       first reads CLOCK_MONOTONIC, writes to FD two native 64-bit counts of
 *                                     nanoseconds (its first instruction's, its last but one's), then exits
 */

#define SYS_CLOCK_MONOTONIC 1

#include "freestanding.h"

static long now(void) {
    long time[2];
    system_call(SYS_CLOCK_GETTIME, SYS_CLOCK_MONOTONIC, (long)time, 0);
    return time[0] * 1000000000L + time[1];
}

static long number(const char *text) {
    long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return value;
}

__attribute__((used, noreturn)) void child(const long *stack) {
    long arguments = stack[0];
    const char *const *values = (const char *const *)(stack + 1);
    if (arguments > 2) {
        long stamps[2];
        stamps[0] = now();
        stamps[1] = now();
        system_call(SYS_WRITE, number(values[2]), (long)stamps, sizeof stamps);
    }
    system_call(SYS_EXIT_GROUP, arguments > 1 ? number(values[1]) : 0, 0, 0);
    __builtin_unreachable();
}
