/* The image that children execute: static, without libc or loader, so that the time to its first
 * instruction is the kernel's alone.
 *
 *     forkbench-child STATUS          exits with STATUS
 *     forkbench-child STATUS FD       first reads CLOCK_MONOTONIC, writes to FD two native 64-bit counts of
 *                                     nanoseconds (its first instruction's, its last but one's), then exits
 */

#define SYS_CLOCK_MONOTONIC 1

#if defined(__x86_64__)
enum { SYS_WRITE = 1, SYS_EXIT_GROUP = 231, SYS_CLOCK_GETTIME = 228 };

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call child\n"
        "    hlt\n");

static long system_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_CLOCK_GETTIME = 113 };

__asm__(".globl _start\n"
        "_start:\n"
        "    mov x29, xzr\n"
        "    mov x30, xzr\n"
        "    mov x0, sp\n"
        "    bl child\n"
        "    brk #0\n");

static long system_call(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "forkbench measures x86-64 and aarch64"
#endif

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
