"""Threads, forks, and every kind of object that lives on malloc's heap. The output does not depend on timing."""

import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import re
import threading
import zlib


def records(count, seed):
    made = []
    for number in range(count):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append({"id": number, "name": f"n{seed:x}", "tags": [str(seed % k) for k in range(2, 9)]})
    return made


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def churn(seed):
    """Grows, shrinks and copies; returns what is left."""
    table, text = {}, ""
    for record in records(3000, seed):
        table[record["name"]] = record["tags"]
        text += record["name"] + " "
        if record["id"] % 3 == 0:
            table.pop(next(iter(table)))
    words = re.findall(r"[0-9a-f]{4}", text)
    packed = zlib.compress(text.encode(), 6)
    assert zlib.decompress(packed).decode() == text
    return digest([len(table), len(words), sorted(table)[:50]])


def in_child(seed):
    """Forks while other threads allocate; the child allocates, too."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, churn(seed).encode())
        os._exit(0)
    os.close(writer)
    text = os.read(reader, 100).decode()
    os.close(reader)
    return text, os.waitpid(child, 0)[1]


def main():
    print("alone", churn(1))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        print("threads", list(pool.map(churn, range(8))))
    stop = threading.Event()

    def noise():
        while not stop.is_set():
            [bytearray(size) for size in range(1, 3000, 7)]

    threads = [threading.Thread(target=noise) for _ in range(4)]
    for thread in threads:
        thread.start()
    print("forks", [in_child(seed) for seed in range(6)])
    stop.set()
    for thread in threads:
        thread.join()
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print("processes", pool.map(churn, range(6)))
    big = bytearray()
    for size in range(0, 60_000_000, 1_500_000):
        big.extend(b"x" * (size - len(big)))
    print("large", len(big), zlib.crc32(big))


if __name__ == "__main__":
    main()
