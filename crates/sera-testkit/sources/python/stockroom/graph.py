"""Ways through the warehouse."""

import heapq
from collections import deque


class NoRoute(Exception):
    """Two places are not connected."""


def add_aisle(graph, first, second, length):
    """Connect two places both ways, keeping the shorter of two aisles."""
    for here, there in ((first, second), (second, first)):
        aisles = graph.setdefault(here, {})
        if there not in aisles or length < aisles[there]:
            aisles[there] = length
    return graph


def shortest_path(graph, start, goal):
    """Length and places of the shortest way (Dijkstra)."""
    queue = [(0, start, [start])]
    visited = set()
    while queue:
        length, place, path = heapq.heappop(queue)
        if place == goal:
            return length, path
        if place in visited:
            continue
        visited.add(place)
        for neighbour, step in graph.get(place, {}).items():
            if neighbour not in visited:
                heapq.heappush(queue, (length + step, neighbour, path + [neighbour]))
    raise NoRoute(f"{start} to {goal}")


def reachable(graph, start):
    """All places that can be walked to."""
    seen = {start}
    queue = deque([start])
    while queue:
        place = queue.popleft()
        for neighbour in graph.get(place, {}):
            if neighbour not in seen:
                seen.add(neighbour)
                queue.append(neighbour)
    return seen


def components(graph):
    """Parts of the warehouse that are not connected, the largest first."""
    left = set(graph)
    parts = []
    while left:
        part = reachable(graph, min(left))
        parts.append(sorted(part))
        left -= part
    parts.sort(key=lambda part: (-len(part), part))
    return parts


def route_length(graph, route):
    """Length of a walk along given places."""
    length = 0
    for here, there in zip(route, route[1:]):
        if there not in graph.get(here, {}):
            raise NoRoute(f"{here} to {there}")
        length += graph[here][there]
    return length


def picking_route(graph, start, stops):
    """Visit all stops by always walking to the nearest one next."""
    route = [start]
    left = set(stops)
    while left:
        here = route[-1]
        options = [(shortest_path(graph, here, stop)[0], stop) for stop in left]
        _, nearest = min(options)
        route.append(nearest)
        left.remove(nearest)
    return route


def dependency_order(needs):
    """Order tasks so that each comes after what it needs."""
    waiting = {task: set(before) for task, before in needs.items()}
    order = []
    while waiting:
        ready = sorted(task for task, before in waiting.items() if not before)
        if not ready:
            raise ValueError("tasks need each other: " + ", ".join(sorted(waiting)))
        for task in ready:
            order.append(task)
            del waiting[task]
        for before in waiting.values():
            before.difference_update(ready)
    return order
