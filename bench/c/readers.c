/* Many readers of streams at once, from one thread.

       cc -O2 -o readers readers.c && ./readers PORT RAMP_MS DEADLINE_S GONE GONE_AFTER < requests > report.json

   Standard input holds the requests, each as its length on a line and then its bytes, ready to be sent; each gets a
   connection of its own. They begin evenly over RAMP_MS. The first GONE of them hang up after GONE_AFTER tokens. A token
   is the monotonic time at which the model sent it: 16 hexadecimal digits and a space, in what the model sent itself
   or in a `text-delta` of a UI message stream. All that is told is in microseconds. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_LINE = 16384 };

struct line { /* what is longer is cut */
    char text[LONGEST_LINE];
    size_t filled;
};

struct reader {
    int socket, status, done, failed, is_over, gone_after;
    char *request;
    size_t size;
    int64_t starts, began, first, ended;
    long tokens, bytes;
    struct line framing, event; /* of the head and the chunks' sizes; of what is in them */
    enum { HEAD, SIZE, BODY, AFTER, WHOLE } part;
    long left, length; /* of a chunk or a whole body; -1: to the end */
};

static struct reader *readers;
static size_t count;
static int64_t *delays;
static size_t delayed, room;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void end(struct reader *reader) {
    if (reader->socket >= 0) close(reader->socket);
    reader->socket = -1;
    reader->is_over = 1;
    reader->ended = now();
}

static void take_token(struct reader *reader, int64_t sent, int64_t time) {
    if (!reader->tokens++) reader->first = time;
    if (delayed == room) delays = realloc(delays, (room = room * 2 + 65536) * sizeof *delays);
    delays[delayed++] = time - sent;
}

static void take_tokens(struct reader *reader, const char *text, int64_t time) {
    int digits = 0;
    for (; *text; text++) {
        if (isxdigit((unsigned char)*text)) {
            digits++;
        } else {
            if (*text == ' ' && digits == 16) take_token(reader, strtoll(text - 16, NULL, 16), time);
            digits = 0;
        }
    }
}

static void take_event(struct reader *reader, int64_t time) {
    const char *line = reader->event.text;
    if (!strncmp(line, "data: [DONE]", 12)) reader->done = 1;
    else if (!strncmp(line, "data: {\"type\":\"error\"", 21)) reader->failed = 1;
    else if (!strncmp(line, "data: {\"type\":\"text-delta\"", 26)) take_tokens(reader, line, time);
    else if (strncmp(line, "data: {\"type\":", 14)) take_tokens(reader, line, time);
}

/* What a line of the head, or of the chunks, says; true where the whole answer is there. */
static int take_line(struct reader *reader) {
    const char *line = reader->framing.text;
    if (reader->part == AFTER) {
        reader->part = SIZE;
    } else if (reader->part == SIZE) {
        reader->left = strtol(line, NULL, 16);
        if (!reader->left) return 1;
        reader->part = BODY;
    } else if (!strncmp(line, "HTTP/1.1 ", 9)) {
        reader->status = atoi(line + 9);
        reader->length = -1;
    } else if (!strncasecmp(line, "content-length:", 15)) {
        reader->length = atol(line + 15);
    } else if (!strncasecmp(line, "transfer-encoding: chunked", 26)) {
        reader->length = -2;
    } else if (!*line) {
        reader->part = reader->length == -2 ? SIZE : WHOLE;
        reader->left = reader->length;
        return reader->length == 0;
    }
    return 0;
}

static int is_whole(struct line *line, char byte) {
    if (byte != '\n') {
        if (line->filled < LONGEST_LINE - 1) line->text[line->filled++] = byte;
        return 0;
    }
    if (line->filled && line->text[line->filled - 1] == '\r') line->filled--;
    line->text[line->filled] = 0;
    line->filled = 0;
    return 1;
}

static void take(struct reader *reader, const char *bytes, size_t size, int64_t time) {
    for (const char *last = bytes + size; bytes < last; bytes++) {
        if (reader->part == BODY || reader->part == WHOLE) {
            if (is_whole(&reader->event, *bytes)) take_event(reader, time);
            if (reader->left > 0 && !--reader->left) {
                if (reader->part == WHOLE) return end(reader);
                reader->part = AFTER;
            }
        } else if (is_whole(&reader->framing, *bytes) && take_line(reader)) {
            return end(reader);
        }
        if (reader->gone_after && reader->tokens >= reader->gone_after) return end(reader);
    }
}

static void hear(struct reader *reader) {
    static char bytes[262144];
    ssize_t got = recv(reader->socket, bytes, sizeof bytes, 0);
    int64_t time = now();
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        if (reader->part != WHOLE || reader->left > 0) reader->failed = 1;
        return end(reader);
    }
    reader->bytes += got;
    take(reader, bytes, got, time);
}

static void begin(struct reader *reader, int poll_fd, struct sockaddr_in *address) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reader};
    int one = 1;
    reader->began = now();
    reader->socket = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(reader->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* On loopback both are done at once, and a request fits the socket's buffer. */
    if (connect(reader->socket, (struct sockaddr *)address, sizeof *address) ||
        send(reader->socket, reader->request, reader->size, MSG_NOSIGNAL) != (ssize_t)reader->size) {
        reader->failed = 1;
        return end(reader);
    }
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, reader->socket, &event);
}

static void read_requests(void) {
    for (size_t size; scanf("%zu", &size) == 1;) {
        readers = realloc(readers, (count + 1) * sizeof *readers);
        struct reader *reader = memset(&readers[count++], 0, sizeof *readers);
        reader->socket = -1;
        reader->size = size;
        reader->request = malloc(size);
        getchar(); /* the end of the line */
        if (fread(reader->request, 1, size, stdin) != size) exit(2);
    }
}

static int ascending(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static long part_of(double part) {
    return delayed ? delays[(size_t)(part * (delayed - 1))] / 1000 : 0;
}

static void report(void) {
    qsort(delays, delayed, sizeof *delays, ascending);
    printf("{\"delay\": {\"median\": %ld, \"p99\": %ld, \"most\": %ld}, \"streams\": [", part_of(0.5), part_of(0.99), part_of(1));
    for (size_t each = 0; each < count; each++) {
        struct reader *reader = &readers[each];
        printf("%s{\"status\": %d, \"tokens\": %ld, \"first\": %ld, \"took\": %ld, \"bytes\": %ld, \"done\": %d, \"failed\": %d}",
               each ? ",\n" : "", reader->status, reader->tokens,
               reader->tokens ? (long)((reader->first - reader->began) / 1000) : -1,
               reader->is_over ? (long)((reader->ended - reader->began) / 1000) : -1, reader->bytes, reader->done, reader->failed);
    }
    printf("]}\n");
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "readers PORT RAMP_MS DEADLINE_S GONE GONE_AFTER\n"), 2;
    struct sockaddr_in address = {AF_INET, htons(atoi(argv[1])), {htonl(INADDR_LOOPBACK)}, {0}};
    int64_t ramp = atoll(argv[2]) * 1000000, deadline = atoll(argv[3]) * 1000000000;
    size_t gone = atol(argv[4]), begun = 0, over = 0;
    int poll_fd = epoll_create1(0);
    read_requests();
    for (size_t each = 0; each < gone && each < count; each++) readers[each].gone_after = atoi(argv[5]);
    int64_t start = now();
    while (over < count && now() < start + deadline) {
        struct epoll_event events[256];
        int heard = epoll_wait(poll_fd, events, 256, begun < count ? 1 : 100);
        for (int each = 0; each < heard; each++) {
            struct reader *reader = events[each].data.ptr;
            if (!reader->is_over) hear(reader);
            over += reader->is_over;
        }
        while (begun < count && now() >= start + (int64_t)(begun * ramp / count)) {
            begin(&readers[begun], poll_fd, &address);
            over += readers[begun++].is_over;
        }
    }
    report();
    return 0;
}
