// C++ on gort: every form of new and delete goes through it.
#include <cstdint>
#include <gort.h>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <vector>

struct alignas(64) Line {
    char bytes[64];
};

static std::size_t live_blocks()
{
    go_malloc_stats_t stats{};
    stats.size = sizeof stats;
    go_malloc_stats(&stats);
    return stats.live_blocks;
}

int main()
{
    std::cout << "objects\n";
    const std::size_t before = live_blocks();
    {
        std::vector<std::string> names(100, "a string too long to be kept inside of its object");
        auto line = std::make_unique<Line>();
        std::cout << "blocks more: " << live_blocks() - before << '\n';
        std::cout << "line aligned: " << (reinterpret_cast<std::uintptr_t>(line.get()) % 64 == 0) << '\n';
    }
    std::cout << "blocks more: " << live_blocks() - before << '\n';

    void *none = ::operator new(PTRDIFF_MAX, std::nothrow);
    std::cout << "nothrow new gives null: " << (none == nullptr) << '\n';
    try {
        ::operator delete(::operator new(PTRDIFF_MAX));
    } catch (const std::bad_alloc &) {
        std::cout << "new throws bad_alloc\n";
    }
}
