/* What the C workers of `make bench` share: the tokens, the check that a verifier verifies, and the clock.
 *
 * A program defines accepts() and calls serve(). What a worker is asked and answers: benches/peers/workers.py. */

#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of a chunk, whose time is one figure, in seconds. */
#define CHUNK 0.005
/* Of what a thread of several does before others have their turn, in seconds. */
#define SPELL 0.02
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

/* CPU time of a verdict on this thread, in microseconds: the median of the chunks. */
static inline double alone(struct turns turns, double seconds) {
    enum { MOST = 100000 };
    static double cpus[MOST];
    size_t count = 1, chunks = 0;
    double began = now(CLOCK_MONOTONIC);
    while (chunks == 0 || (chunks < MOST && now(CLOCK_MONOTONIC) - began < seconds)) {
        double then = now(CLOCK_THREAD_CPUTIME_ID);
        take(&turns, count);
        double spent = now(CLOCK_THREAD_CPUTIME_ID) - then;
        if (chunks == 0 && spent < CHUNK / 2) {
            count *= 2;
            continue;
        }
        cpus[chunks++] = spent * 1e6 / (double)count;
    }
    return median(cpus, chunks);
}

/* What a thread did: so many verdicts between these moments. */
struct spell {
    double began, ended;
    size_t verdicts;
};

/* A thread of several, and what it did in the phases of a turn: alone, and with the others. */
struct member {
    pthread_barrier_t *start, *end;
    struct turns turns;
    size_t place, threads;
    const bool *running;
    struct spell alone, among;
};

static inline struct spell work(struct turns *turns) {
    struct spell spell = {.began = now(CLOCK_MONOTONIC)};
    do {
        take(turns, 4);
        spell.verdicts += 4;
        spell.ended = now(CLOCK_MONOTONIC);
    } while (spell.ended - spell.began < SPELL);
    return spell;
}

static inline void *run(void *given) {
    struct member *member = given;
    /* On this thread's own stack: a line that two write at every token would be what is measured. */
    struct turns turns = member->turns;
    for (;;) {
        for (size_t phase = 0; phase <= member->threads; phase++) {
            pthread_barrier_wait(member->start);
            if (!*member->running)
                return NULL;
            if (phase == member->place)
                member->alone = work(&turns);
            else if (phase == member->threads)
                member->among = work(&turns);
            pthread_barrier_wait(member->end);
        }
    }
}

static inline double rate(struct spell spell) {
    return (double)spell.verdicts / (spell.ended - spell.began);
}

/* What so many threads do at once, in terms of what one of them does alone. */
static inline double gain(const struct member *members, size_t threads) {
    struct spell all = members[0].among;
    double alone = 0;
    for (size_t at = 0; at < threads; at++) {
        struct spell among = members[at].among;
        alone += rate(members[at].alone) / (double)threads;
        all.began = among.began < all.began ? among.began : all.began;
        all.ended = among.ended > all.ended ? among.ended : all.ended;
        all.verdicts += at > 0 ? among.verdicts : 0;
    }
    return rate(all) / alone;
}

/* The same, as the median of turns. */
static inline double together(struct turns first, size_t threads, double seconds) {
    enum { MOST = 10000 };
    static double gains[MOST];
    struct member members[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    pthread_barrier_t start, end;
    bool running = true;
    if (threads > THREADS_MAX)
        fail("too many threads");
    pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&end, NULL, (unsigned)threads + 1);
    for (size_t at = 0; at < threads; at++) {
        members[at] = (struct member){
            .start = &start, .end = &end, .turns = first, .place = at, .threads = threads, .running = &running};
        members[at].turns.next = at * first.number / threads;
        if (pthread_create(&thread[at], NULL, run, &members[at]) != 0)
            fail("no thread");
    }
    size_t turns = 0;
    for (double began = now(CLOCK_MONOTONIC); turns == 0 || (turns < MOST && now(CLOCK_MONOTONIC) - began < seconds);) {
        for (size_t phase = 0; phase <= threads; phase++) {
            pthread_barrier_wait(&start);
            pthread_barrier_wait(&end);
        }
        gains[turns++] = gain(members, threads);
    }
    running = false;
    pthread_barrier_wait(&start);
    for (size_t at = 0; at < threads; at++)
        pthread_join(thread[at], NULL);
    pthread_barrier_destroy(&start);
    pthread_barrier_destroy(&end);
    return median(gains, turns);
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
    double seconds;
    while (scanf("%15s %zu %lf", pattern, &threads, &seconds) == 3) {
        struct turns turns = {&tokens, strcmp(pattern, "repeat") == 0 ? 1 : tokens.count, 0};
        printf("%f\n", threads == 1 ? alone(turns, seconds) : together(turns, threads, seconds));
        fflush(stdout);
    }
}

#endif
