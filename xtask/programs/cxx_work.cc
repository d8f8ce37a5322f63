// A translation unit that makes the compiler work: templates, closures, maps, regular expressions.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

template <int N>
struct Chain {
    static std::function<int(int)> make() { return [next = Chain<N - 1>::make()](int x) { return next(x) * N + 1; }; }
};

template <>
struct Chain<0> {
    static std::function<int(int)> make() { return [](int x) { return x; }; }
};

template <typename... T>
auto table(const std::vector<std::tuple<T...>> &rows)
{
    std::map<std::tuple<T...>, std::vector<std::size_t>> made;
    for (std::size_t i = 0; i < rows.size(); i++)
        made[rows[i]].push_back(i);
    return made;
}

int words(const std::string &text)
{
    static const std::regex word("[a-z]+(-[a-z]+)*");
    std::unordered_map<std::string, int> count;
    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at)
        count[at->str()]++;
    return static_cast<int>(count.size()) + Chain<40>::make()(1);
}

std::size_t rows()
{
    return table<int, std::string, double>({{1, "a", 0.5}, {2, "b", 1.5}}).size()
        + table<std::string, std::shared_ptr<int>>({{"x", nullptr}}).size();
}
