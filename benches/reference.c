/* The plainest loop that does what forkbench's fork cells do: hold memory, fork, _exit, waitpid. Its
 * figures are what `benches/overhead.rs` compares forkbench's with.
 *
 *     reference CPU BYTES ITERATIONS      prints the p50 of `call` and of `reap`, nanoseconds */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

/* Memory in order, one base page after the other, whatever the free lists look like: filled with huge
 * pages, which are split afterwards. forkbench's own ballast is filled alike. */
static int hold(size_t bytes) {
    size_t huge = 2 << 20;
    char *memory = mmap(0, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    memory = (char *)(((size_t)memory + huge - 1) & ~(huge - 1));
    madvise(memory, bytes, MADV_HUGEPAGE);
    madvise(memory, bytes, MADV_POPULATE_WRITE);
    for (size_t at = 0; at < bytes; at += 4096)
        memory[at] = 1;
    for (size_t at = 0; at < bytes; at += huge)
        madvise(memory + at, 4096, MADV_COLD);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += 4096)
        memory[at] = 2;
    return 0;
}

int main(int count, char **arguments) {
    if (count != 4)
        return 2;
    int cpu = atoi(arguments[1]);
    size_t bytes = strtoull(arguments[2], 0, 10);
    int iterations = atoi(arguments[3]), warmup = 20;
    long *calls = calloc(iterations, sizeof *calls), *reaps = calloc(iterations, sizeof *reaps);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (!calls || !reaps || iterations < 1 || sched_setaffinity(0, sizeof set, &set))
        return 1;
    if (bytes && hold(bytes))
        return 1;
    for (int i = -warmup; i < iterations; i++) {
        int status;
        long t0 = now();
        pid_t pid = fork();
        if (pid == 0)
            _exit(7);
        long called = now();
        if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
            return 1;
        long reaped = now();
        if (i >= 0) {
            calls[i] = called - t0;
            reaps[i] = reaped - t0;
        }
    }
    qsort(calls, iterations, sizeof *calls, compare);
    qsort(reaps, iterations, sizeof *reaps, compare);
    printf("%ld %ld\n", calls[iterations / 2], reaps[iterations / 2]);
    return 0;
}
