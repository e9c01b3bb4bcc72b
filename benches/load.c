/* Loads a shared library and prints how long that took, in milliseconds: `load LIBRARY`. One figure a process. */

#define _XOPEN_SOURCE 700

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (library == NULL)
        return 1;
    printf("%.3f\n", (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6);
    return 0;
}
