/* A model that speaks OpenAI's chat completions at a set pace, from one thread, for thousands of calls at once.

       cc -O2 -o model model.c && ./model      prints its port on loopback; ends with its standard input

   What a call gets is written in its messages, where the last mention counts:
       rate=20     tokens a second              count=100   tokens in all
       first=50    milliseconds to the first    fail=30     hang up after so many tokens
   Every token is the machine's monotonic clock when it was sent, in nanoseconds: 16 hexadecimal digits and a space.
   Without "stream": true the answer is one JSON document, sent when the last token would have been. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8192, LONGEST_REQUEST = 4 << 20, SECOND = 1000000000 };
static const int64_t NEVER = INT64_MAX;

struct call {
    int socket, streams;
    char *request;
    size_t size, room;
    long rate, count, fail, said, number, prompt;
    int64_t began, due;
    size_t place; /* in the heap; 0 where it waits for no time */
};

static struct call calls[MOST];
static struct call *heap[MOST + 1]; /* by `due`, the earliest first, from 1 on */
static size_t waiting;
static int poll_fd;
static long number;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void put(struct call *call, size_t place) {
    heap[place] = call;
    call->place = place;
}

static void wait_until(struct call *call, int64_t due) {
    size_t place = call->place ? call->place : ++waiting;
    call->due = due;
    for (; place > 1 && heap[place / 2]->due > due; place /= 2) put(heap[place / 2], place);
    for (size_t child; (child = 2 * place) <= waiting; place = child) {
        if (child < waiting && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= due) break;
        put(heap[child], place);
    }
    put(call, place);
}

static void wait_no_more(struct call *call) {
    if (!call->place) return;
    wait_until(call, INT64_MIN); /* to the top, from where it is taken */
    call->place = 0;
    struct call *last = heap[waiting--];
    if (last != call) {
        last->place = 1;
        wait_until(last, last->due);
    }
}

static void hang_up(struct call *call) {
    wait_no_more(call);
    close(call->socket);
    free(call->request);
    memset(call, 0, sizeof *call);
    call->socket = -1;
}

static int say(struct call *call, const char *bytes, size_t size) {
    if (send(call->socket, bytes, size, MSG_NOSIGNAL) == (ssize_t)size) return 1;
    hang_up(call); /* gone, or so slow that it would spoil the pace of others */
    return 0;
}

static size_t frame(char *to, const struct call *call, const char *choices) {
    char data[512];
    int size = snprintf(data, sizeof data,
                        "data: {\"id\":\"chatcmpl-bench-%ld\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,"
                        "\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\",%s}\n\n", call->number, choices);
    return sprintf(to, "%x\r\n%s\r\n", size, data);
}

static size_t delta(char *to, const struct call *call, const char *said, const char *reason) {
    char choices[256];
    snprintf(choices, sizeof choices, "\"choices\":[{\"index\":0,\"delta\":{%s},\"logprobs\":null,\"finish_reason\":%s}]",
             said, reason);
    return frame(to, call, choices);
}

static void over(struct call *call) {
    wait_no_more(call);
    call->size = 0; /* another request may follow */
}

static void answer_whole(struct call *call) {
    char body[512], all[1024];
    int size = snprintf(body, sizeof body,
                        "{\"id\":\"chatcmpl-bench-%ld\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"bench\","
                        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%016lx \"},"
                        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld}}",
                        call->number, (unsigned long)now(), call->prompt, call->count, call->count + call->prompt);
    int whole = sprintf(all, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", size, body);
    if (say(call, all, whole)) over(call);
}

static void end_stream(struct call *call) {
    char all[2048], usage[128];
    size_t size = delta(all, call, "", "\"stop\"");
    snprintf(usage, sizeof usage,
             "\"choices\":[],\"usage\":{\"prompt_tokens\":%ld,\"completion_tokens\":%ld,\"total_tokens\":%ld}",
             call->prompt, call->count, call->count + call->prompt);
    size += frame(all + size, call, usage);
    size += sprintf(all + size, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    if (say(call, all, size)) over(call);
}

static void next(struct call *call) {
    char all[1024], said[64];
    if (!call->streams) return answer_whole(call);
    if (call->said == call->fail) return hang_up(call);
    if (call->said == call->count) return end_stream(call);
    sprintf(said, "\"content\":\"%016lx \"", (unsigned long)now());
    if (!say(call, all, delta(all, call, said, "null"))) return;
    call->said++;
    wait_until(call, call->began + call->said * SECOND / call->rate);
}

/* The last `name=number` in the text, since earlier turns are in it too. */
static long wish(const char *text, const char *name, long otherwise) {
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, name)); at += strlen(name)) found = at;
    return found ? atol(found + strlen(name)) : otherwise;
}

static void begin(struct call *call, const char *body) {
    char all[1024];
    long first = wish(body, "first=", 50);
    call->rate = wish(body, "rate=", 20);
    call->count = wish(body, "count=", 20);
    call->fail = wish(body, "fail=", -1);
    call->streams = strstr(body, "\"stream\": true") || strstr(body, "\"stream\":true");
    call->prompt = strlen(body) / 4;
    call->said = 0;
    call->number = ++number;
    call->began = now() + first * 1000000;
    if (!call->streams) {
        wait_until(call, call->began + call->count * SECOND / call->rate);
        return;
    }
    size_t size = sprintf(all, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    size += delta(all + size, call, "\"role\":\"assistant\",\"content\":\"\"", "null");
    if (say(call, all, size)) wait_until(call, call->began);
}

static void answer(struct call *call) {
    static const char models[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n"
                                 "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"owned\":1}]}";
    call->request[call->size] = 0;
    char *body = strstr(call->request, "\r\n\r\n");
    if (!body) return;
    const char *length = strcasestr(call->request, "\ncontent-length:");
    size_t whole = (body + 4 - call->request) + (length && length < body ? atol(length + 16) : 0);
    if (call->size < whole) return;
    if (strncmp(call->request, "POST ", 5)) {
        if (say(call, models, sizeof models - 1)) over(call);
    } else {
        begin(call, body + 4);
    }
}

static void hear(struct call *call) {
    if (call->room - call->size < 65536) {
        call->room = call->room * 2 + 131072;
        if (call->room > LONGEST_REQUEST) return hang_up(call);
        call->request = realloc(call->request, call->room);
    }
    ssize_t got = recv(call->socket, call->request + call->size, call->room - call->size - 1, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return hang_up(call);
    call->size += got;
    if (!call->place) answer(call);
}

static void watch(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void take_calls(int listener) {
    static int last;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int tried = 0, one = 1;
        while (calls[last].socket >= 0 && tried++ < MOST) last = (last + 1) % MOST;
        if (tried > MOST) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        calls[last].socket = fd;
        watch(fd, &calls[last]);
    }
}

static void set_timer(int timer) {
    static int64_t set = 0;
    int64_t due = waiting ? heap[1]->due : NEVER;
    if (due == set) return;
    set = due;
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (due != NEVER) when.it_value = (struct timespec){due / SECOND, due % SECOND};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return perror("model"), 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    for (int each = 0; each < MOST; each++) calls[each].socket = -1;
    poll_fd = epoll_create1(0);
    watch(listener, &listener);
    watch(timer, &timer);
    watch(0, NULL);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poll_fd, events, 256, -1);
        for (int each = 0; each < count; each++) {
            void *what = events[each].data.ptr;
            uint64_t ticks;
            if (!what) return 0;
            if (what == &listener) take_calls(listener);
            else if (what == &timer) (void)!read(timer, &ticks, sizeof ticks);
            else if (((struct call *)what)->socket >= 0) hear(what);
        }
        for (int64_t time = now(); waiting && heap[1]->due <= time;) next(heap[1]);
        set_timer(timer);
    }
}
