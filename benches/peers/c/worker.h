/* What the C workers of `make bench` share: the tokens, the check that a verifier verifies, and the clock.
 *
 * A program defines accepts() and calls serve(). What a worker is asked and answers: benches/peers/workers.py. */

#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of a chunk, whose time is one figure, in seconds. */
#define CHUNK 0.005
#define THREADS_MAX 16

static bool accepts(const char *token, size_t length);

struct lines {
    char *text;
    char **line;
    size_t *length;
    size_t count;
};

static inline void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* A file of the workload, whole, with a NUL at its end. */
static inline char *file(const char *directory, const char *name) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        fail("a path is too long");
    FILE *stream = fopen(path, "rb");
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
        fail(path);
    long size = ftell(stream);
    rewind(stream);
    char *text = malloc((size_t)size + 1);
    if (text == NULL || fread(text, 1, (size_t)size, stream) != (size_t)size)
        fail(path);
    text[size] = '\0';
    fclose(stream);
    return text;
}

static inline struct lines lines(const char *directory, const char *name) {
    struct lines lines = {.text = file(directory, name)};
    size_t most = 1;
    for (const char *at = lines.text; *at != '\0'; at++)
        most += *at == '\n';
    lines.line = malloc(most * sizeof *lines.line);
    lines.length = malloc(most * sizeof *lines.length);
    if (lines.line == NULL || lines.length == NULL)
        fail("no memory");
    for (char *line = strtok(lines.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        lines.line[lines.count] = line;
        lines.length[lines.count++] = strlen(line);
    }
    return lines;
}

static inline double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Tokens that are verified in turn, the first `number` of them, again and again. */
struct turns {
    const struct lines *tokens;
    size_t number, next;
};

static inline void take(struct turns *turns, size_t count) {
    for (size_t taken = 0; taken < count; taken++) {
        if (!accepts(turns->tokens->line[turns->next], turns->tokens->length[turns->next]))
            fail("a good token was refused");
        if (++turns->next == turns->number)
            turns->next = 0;
    }
}

static inline int compared(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static inline double median(double *figures, size_t count) {
    qsort(figures, count, sizeof *figures, compared);
    return figures[count / 2];
}

/* CPU and wall time of a verdict on this thread, in microseconds: the medians of the chunks. */
static inline void alone(struct turns turns, double seconds, double *cpu, double *wall) {
    enum { MOST = 100000 };
    static double cpus[MOST], walls[MOST];
    size_t count = 1, chunks = 0;
    double began = now(CLOCK_MONOTONIC);
    while (chunks == 0 || (chunks < MOST && now(CLOCK_MONOTONIC) - began < seconds)) {
        double then = now(CLOCK_MONOTONIC), cpu_then = now(CLOCK_THREAD_CPUTIME_ID);
        take(&turns, count);
        double spent = now(CLOCK_THREAD_CPUTIME_ID) - cpu_then, passed = now(CLOCK_MONOTONIC) - then;
        if (chunks == 0 && spent < CHUNK / 2) {
            count *= 2;
            continue;
        }
        cpus[chunks] = spent * 1e6 / (double)count;
        walls[chunks++] = passed * 1e6 / (double)count;
    }
    *cpu = median(cpus, chunks);
    *wall = median(walls, chunks);
}

static atomic_bool running;
static atomic_size_t verdicts;

static inline void *run(void *turns) {
    while (atomic_load_explicit(&running, memory_order_relaxed)) {
        take(turns, 64);
        atomic_fetch_add_explicit(&verdicts, 64, memory_order_relaxed);
    }
    return NULL;
}

/* Wall time of a verdict in microseconds, all threads together. */
static inline double together(struct turns first, size_t threads, double seconds) {
    struct turns turns[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    if (threads > THREADS_MAX)
        fail("too many threads");
    running = true;
    verdicts = 0;
    double began = now(CLOCK_MONOTONIC);
    for (size_t at = 0; at < threads; at++) {
        turns[at] = first;
        turns[at].next = at * first.number / threads;
        if (pthread_create(&thread[at], NULL, run, &turns[at]) != 0)
            fail("no thread");
    }
    nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)}, NULL);
    running = false;
    for (size_t at = 0; at < threads; at++)
        pthread_join(thread[at], NULL);
    return (now(CLOCK_MONOTONIC) - began) * 1e6 / (double)verdicts;
}

/* Checks the verifier by every token, then measures what it is asked to, until its input ends. */
static inline void serve(const char *directory) {
    struct lines tokens = lines(directory, "tokens"), refused = lines(directory, "refused");
    take(&(struct turns){&tokens, tokens.count, 0}, tokens.count);
    for (size_t at = 0; at < refused.count; at++)
        if (accepts(refused.line[at], refused.length[at]))
            fail("took a bad token");
    puts("ready");
    fflush(stdout);
    char pattern[16];
    size_t threads;
    double seconds, cpu, wall;
    while (scanf("%15s %zu %lf", pattern, &threads, &seconds) == 3) {
        struct turns turns = {&tokens, strcmp(pattern, "repeat") == 0 ? 1 : tokens.count, 0};
        if (threads == 1)
            alone(turns, seconds, &cpu, &wall);
        else
            cpu = wall = together(turns, threads, seconds);
        printf("%f %f\n", cpu, wall);
        fflush(stdout);
    }
}

#endif
