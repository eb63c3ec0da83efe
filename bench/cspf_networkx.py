"""What NetworkX needs for a tree of shortest paths, one path and a disjoint pair: run by cspf_bench.

The file has the number of nodes, then a line for each arc: from, to, cost. One JSON object on standard output, in milliseconds.
"""
import json
import statistics
import sys
import time

import networkx

with open(sys.argv[1]) as lines:
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(int(next(lines))))
    for line in lines:
        begin, end, cost = map(int, line.split())
        if not graph.has_edge(begin, end) or graph[begin][end]["weight"] > cost:
            graph.add_edge(begin, end, weight=cost)
pairs = [tuple(map(int, pair.split("-"))) for pair in sys.argv[2:]]


def measure(work):
    times = []
    for begin, end in pairs:
        start = time.process_time()
        work(begin, end)
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


print(json.dumps({
    "tree": measure(lambda begin, end: networkx.single_source_dijkstra(graph, begin)),
    "path": measure(lambda begin, end: networkx.bidirectional_dijkstra(graph, begin, end)),
    "pair": measure(lambda begin, end: list(networkx.edge_disjoint_paths(graph, begin, end, cutoff=2))),
}))
