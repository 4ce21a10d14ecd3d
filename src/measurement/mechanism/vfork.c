/* vfork returns twice on one stack frame. Rust has no attribute for that; C compilers know vfork by
 * name and keep nothing in registers across it. The child runs `child` and never returns from here. */
#include <unistd.h>

pid_t forkbench_vfork(void (*child)(void *), void *argument) {
    pid_t pid = vfork();
    if (pid == 0) {
        child(argument);
        _exit(127);
    }
    return pid;
}
