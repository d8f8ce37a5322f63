/* MA-9: C++: static objects before and after main, thread_local objects whose destructors allocate and free.
 *
 * Order of a thread's end in glibc: thread_local destructors, then pthread key destructors in up to four passes, then
 * the thread's record. An allocator that hangs its own end on one of these is called by the later ones all the same.
 */
#define ITEM "MA-9 (C++)"
#include "support.h"

#include <map>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <vector>

static int *ran; /* shared with an exiting child: static destructors that found all well */

struct owns {
    std::vector<std::string> strings;
    std::unique_ptr<char[]> block;
    explicit owns(int n) : block(new char[1000])
    {
        for (int i = 0; i < n; i++)
            strings.push_back(std::string(30 + (size_t)i, 'a'));
        pattern_fill(block.get(), 1000, (uint64_t)n);
    }
    bool good() const
    {
        return pattern_holds(block.get(), 1000, strings.size()) == 1000 &&
               strings.back() == std::string(29 + strings.size(), 'a');
    }
    ~owns()
    {
        CHECK(good());
        std::map<int, std::string> more; /* allocates while it dies */
        for (int i = 0; i < 20; i++)
            more[i] = std::string(100, 'b');
        CHECK(more[7].size() == 100);
        if (ran && check_status() == 0)
            ++*ran;
    }
};

static owns before_main(10);
static owns &function_static()
{
    static owns o(12);
    return o;
}

/* --- thread_local --- */

static unsigned long thread_objects_died;

struct per_thread {
    owns o{5};
    ~per_thread() { __atomic_add_fetch(&thread_objects_died, 1, __ATOMIC_RELAXED); }
};

static thread_local per_thread local;
static thread_local std::unique_ptr<per_thread> local_pointer;
static pthread_key_t key;
static unsigned long key_passes;

/* Runs after all thread_local destructors; makes a new thread_local object of its thread's second life. */
static void key_destructor(void *p)
{
    char *s = static_cast<char *>(p);
    CHECK(pattern_holds(s, 200, 9) == 200);
    delete[] s;
    __atomic_add_fetch(&key_passes, 1, __ATOMIC_RELAXED);
    static thread_local int pass = 0;
    if (++pass < 4) {
        char *again = new char[200];
        pattern_fill(again, 200, 9);
        CHECK(pthread_setspecific(key, again) == 0);
    }
}

static void *body(void *foreign)
{
    CHECK(local.o.good());
    local_pointer.reset(new per_thread);
    char *s = new char[200];
    pattern_fill(s, 200, 9);
    CHECK(pthread_setspecific(key, s) == 0);
    delete static_cast<owns *>(foreign);
    return new owns(3);
}

static void thread_locals()
{
    enum { ROUNDS = 150, THREADS = 4 };
    CHECK(pthread_key_create(&key, key_destructor) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t t[THREADS];
        for (pthread_t &each : t)
            each = thread_start(body, new owns(2));
        for (pthread_t each : t) {
            owns *made = static_cast<owns *>(thread_join(each));
            CHECK(made->good());
            delete made;
        }
    }
    CHECKF(thread_objects_died == 2ul * ROUNDS * THREADS, "%lu", thread_objects_died);
    CHECKF(key_passes == 4ul * ROUNDS * THREADS, "%lu", key_passes);
    pthread_key_delete(key);
}

static void static_destructors()
{
    ran = static_cast<int *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK(ran != MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(function_static().good());
        CHECK(local.o.good()); /* the main thread's thread_local dies in exit, before static objects */
        exit(0);
    }
    CHECK(child_wait(pid) == 0);
    CHECKF(*ran == 3, "%d objects died well", *ran);
    munmap(ran, 4096);
    ran = nullptr;
}

int main()
{
    watchdog(60);
    CHECK(before_main.good());
    static_destructors();
    thread_locals();
    return check_done();
}
