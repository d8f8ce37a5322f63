"""CPython at work: JSON there and back, words counted, objects linked, numbers grown, source compiled."""
import ast
import json
import random
import re
import sys


class Node:
    def __init__(self, key, children):
        self.key = key
        self.children = children


def records(rng, n):
    return [{"id": i, "name": "user-%d" % rng.randrange(10**6), "tags": ["t%d" % rng.randrange(50) for _ in range(6)],
             "score": rng.random(), "text": "x" * rng.randrange(300)} for i in range(n)]


def words(rng, n):
    text = " ".join("w%d" % rng.randrange(5000) for _ in range(n))
    counts = {}
    for word in re.findall(r"\w+", text):
        counts[word] = counts.get(word, 0) + 1
    return sum(counts.values())


def tree(depth):
    return Node(depth, [tree(depth - 1) for _ in range(3)]) if depth else Node(0, [])


def count(node):
    return 1 + sum(count(child) for child in node.children)


def compiled(rng):
    source = "\n".join("def f%d(a, b=%d):\n    return [a * x + b for x in range(%d) if x != a]"
                       % (i, rng.randrange(99), rng.randrange(9)) for i in range(250))
    return len(compile(ast.parse(source), "made", "exec").co_code)


def main():
    rounds = max(1, 8 * int(sys.argv[1]) // 100)
    rng = random.Random(13)
    total = 0
    for _ in range(rounds):
        total += len(json.loads(json.dumps(records(rng, 2500))))
        total += words(rng, 40000)
        total += count(tree(8))
        total += compiled(rng)
        total += len(str(3 ** 9000))
        total += len(sorted(bytes(rng.randrange(256) for _ in range(30)) for _ in range(1500)))
    print("checksum", total)


main()
