/* A message of one byte there and back between a process and its forked child, as others' benchmarks define it: no
 * reading of the clock between the first and the last round trip of a batch, and no look at what came. For
 * scripts/channels.
 *
 *     loop pipe|unix|sem CPU PEER BATCHES ROUND_TRIPS     prints the median over batches of a round trip's mean, in ns */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int reads[2], writes[2], set = -1;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static int run_on(int cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    return sched_setaffinity(0, sizeof cpus, &cpus);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int operate(int number, int by) {
    struct sembuf one = {.sem_num = number, .sem_op = by};
    return semop(set, &one, 1);
}

/* Both sides use it; side 0 is the parent. */
static int tell(int side) {
    char byte = 1;
    return set >= 0 ? operate(side, 1) : write(writes[side], &byte, 1) != 1;
}

static int wait_for(int side) {
    char byte;
    return set >= 0 ? operate(1 - side, -1) : read(reads[side], &byte, 1) != 1;
}

static int open_channel(const char *kind) {
    int one[2], other[2];
    if (!strcmp(kind, "sem")) {
        set = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
        return set < 0;
    }
    if (!strcmp(kind, "unix")) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, one))
            return 1;
        reads[0] = writes[0] = one[0];
        reads[1] = writes[1] = one[1];
        return 0;
    }
    if (strcmp(kind, "pipe") || pipe(one) || pipe(other))
        return 1;
    reads[1] = one[0];
    writes[0] = one[1];
    reads[0] = other[0];
    writes[1] = other[1];
    return 0;
}

int main(int count, char **arguments) {
    if (count != 6)
        return 2;
    int cpu = atoi(arguments[2]), peer = atoi(arguments[3]);
    int batches = atoi(arguments[4]), trips = atoi(arguments[5]), warmup = trips;
    double *means = calloc(batches, sizeof *means);
    if (!means || batches < 1 || trips < 1 || run_on(cpu) || open_channel(arguments[1]))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || (peer != cpu && run_on(peer)))
            _exit(1);
        for (long i = 0; i < (long)batches * trips + warmup; i++)
            if (wait_for(1) || tell(1))
                _exit(1);
        _exit(0);
    }
    int failed = child < 0;
    for (int i = 0; i < warmup && !failed; i++)
        failed = tell(0) || wait_for(0);
    for (int batch = 0; batch < batches && !failed; batch++) {
        double begin = now();
        for (int i = 0; i < trips && !failed; i++)
            failed = tell(0) || wait_for(0);
        means[batch] = (now() - begin) / trips;
    }
    int status = 0;
    if (!failed)
        failed = waitpid(child, &status, 0) != child || status;
    if (set >= 0)
        semctl(set, 0, IPC_RMID);
    if (failed)
        return 1;
    qsort(means, batches, sizeof *means, compare);
    printf("%.0f\n", means[batches / 2]);
    return 0;
}
