// Sized delete: objects of several types in containers; the compiler passes the size to delete.
#include <cstdint>
#include <memory>
#include <vector>

#include "bench.h"

namespace {

template <size_t N> struct Record {
    uint64_t id;
    char data[N - 8];
};

template <size_t N> struct Pool {
    std::vector<std::unique_ptr<Record<N>>> records;

    explicit Pool(size_t n) : records(n) {}

    uint64_t step(uint64_t dice)
    {
        auto &slot = records[dice % records.size()];
        uint64_t old = slot ? slot->id : 0;
        slot.reset();
        slot.reset(new Record<N>);
        escape(slot.get());
        slot->id = dice & 0xff;
        return old;
    }
};

} // namespace

int main(int argc, char **argv)
{
    long steps = scaled(argc, argv, 24 * 1000 * 1000);
    Random r = {12};
    uint64_t sum = 0;
    {
        Pool<24> a(3000);
        Pool<48> b(2000);
        Pool<120> c(1000);
        Pool<400> d(300);
        for (long s = 0; s < steps; s++) {
            uint64_t dice = random_next(&r);
            sum += a.step(dice) + b.step(dice >> 8) + c.step(dice >> 16);
            if (dice >> 62 == 0)
                sum += d.step(dice >> 24);
        }
    }
    report(sum);
    return 0;
}
