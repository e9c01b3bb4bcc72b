/* Runs a program and prints what it took: CPU and wall time in ms, most memory in MiB: `launch PROGRAM [ARGUMENT...]`.
 *
 * So small, since a process's peak counts from that of the one that it was forked from. */

#define _DEFAULT_SOURCE

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double spent(struct timeval time) { return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3; }

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    double began = milliseconds();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (child < 0 || wait4(child, &status, 0, &used) != child || status != 0)
        return 1;
    double wall = milliseconds() - began;
    printf("%.3f %.3f %.3f\n", spent(used.ru_utime) + spent(used.ru_stime), wall, (double)used.ru_maxrss / 1024);
    return 0;
}
