// Strings and hash maps: words are made, counted, indexed and joined, as scripts and servers do.
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench.h"

namespace {

using Index = std::unordered_map<std::string, std::vector<std::string>>;

std::string word(Random *r)
{
    std::string w;
    uint32_t n = random_below(r, 20000);
    for (; n > 0; n /= 23)
        w += static_cast<char>('a' + n % 23);
    return w + (n % 3 == 0 ? "-with-a-longer-ending" : "");
}

uint64_t document(Random *r, Index *index, int words)
{
    std::map<std::string, int> counts;
    std::string line;
    for (int i = 0; i < words; i++) {
        std::string w = word(r);
        counts[w]++;
        line += w + " ";
        if (line.size() > 200) {
            (*index)[w].push_back(line);
            line.clear();
        }
    }
    uint64_t sum = 0;
    for (const auto &entry : counts)
        sum += entry.first.size() * static_cast<uint64_t>(entry.second);
    return sum;
}

} // namespace

int main(int argc, char **argv)
{
    long documents = scaled(argc, argv, 4000);
    Random r = {11};
    uint64_t sum = 0;
    {
        Index index;
        for (long d = 0; d < documents; d++) {
            sum += document(&r, &index, 600);
            if (d % 500 == 499)
                index.clear();
        }
        sum += index.size();
    }
    report(sum);
    return 0;
}
