/* The program that `server:vfork-exec` executes for each request: static, without libc or loader. It reads a
 * request from standard input up to its blank line, writes the reply that every server here writes to standard
 * output, and ends with 0; with 1 if no whole request came.
 */

#include "../mechanism/freestanding.h"

static const char reply[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n"
                            "Connection: close\r\n\r\nforkbench\n";

static int is_whole(const char *text, long length) {
    for (long at = 3; at < length; at++)
        if (text[at - 3] == '\r' && text[at - 2] == '\n' && text[at - 1] == '\r' && text[at] == '\n')
            return 1;
    return 0;
}

__attribute__((used, noreturn)) void child(const long *stack) {
    char request[2048];
    long length = 0;
    int whole = 0;
    (void)stack;
    while (!whole && length < (long)sizeof request) {
        long got = system_call(SYS_READ, 0, (long)(request + length), (long)sizeof request - length);
        if (got <= 0)
            break;
        length += got;
        whole = is_whole(request, length);
    }
    long sent = 0;
    while (whole && sent < (long)sizeof reply - 1) {
        long wrote = system_call(SYS_WRITE, 1, (long)(reply + sent), (long)sizeof reply - 1 - sent);
        if (wrote <= 0)
            whole = 0;
        else
            sent += wrote;
    }
    system_call(SYS_EXIT_GROUP, whole ? 0 : 1, 0, 0);
    __builtin_unreachable();
}
