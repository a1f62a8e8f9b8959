#!/usr/bin/env python3
"""Cuts GitHub's OpenAPI document down to the calls that tminus makes.

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
    python3 tests/github/cut.py package/generated/api.github.com.json > tests/github/openapi.json

Kept of each call: its parameters, its request body, the schema and the published example of each success.
Taken out: descriptions, vendor extensions, everything that no kept part refers to.
"""

import json
import sys

CALLS = [
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/actions/runs/{run_id}"),
    ("get", "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs"),
    ("post", "/repos/{owner}/{repo}/actions/runs/{run_id}/cancel"),
    ("post", "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun"),
    ("get", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"),
    ("get", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs"),
    ("post", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"),
    ("get", "/repos/{owner}/{repo}/commits"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/status"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("get", "/repos/{owner}/{repo}/contents/{path}"),
    ("get", "/repos/{owner}/{repo}/git/matching-refs/{ref}"),
    ("get", "/repos/{owner}/{repo}/git/tags/{tag_sha}"),
    ("get", "/repos/{owner}/{repo}/releases"),
    ("get", "/repos/{owner}/{repo}/tags"),
]


def bare(node, named=False):
    """Without words for people; `named` where keys are names of properties, not of the format."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    words = ("description", "title", "summary", "example", "externalDocs", "operationId", "tags", "deprecated")
    kept = {}
    for key, value in node.items():
        if not named and (key in words or key.startswith("x-") or (key == "examples" and "schema" not in node)):
            continue
        kept[key] = value if key == "examples" else bare(value, key in ("properties", "parameters", "schemas"))
    return kept


def main():
    whole = json.load(open(sys.argv[1], encoding="utf-8"))
    cut = {
        "openapi": whole["openapi"],
        "info": {
            "title": whole["info"]["title"],
            "version": whole["info"]["version"],
            "license": whole["info"]["license"],
            "x-cut": "npm @octokit/openapi 23.0.2, generated/api.github.com.json, by tests/github/cut.py",
        },
        "paths": {},
        "components": {},
    }
    waiting = []

    def take(node):
        if isinstance(node, list):
            for one in node:
                take(one)
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                waiting.append(node["$ref"])
            for value in node.values():
                take(value)

    for method, path in CALLS:
        call = whole["paths"][path][method]
        good = {code: answer for code, answer in call["responses"].items() if code.startswith("2")}
        kept = bare({"parameters": call.get("parameters", []), "responses": good})
        if "requestBody" in call:
            kept["requestBody"] = bare(call["requestBody"])
        for answer in kept["responses"].values():
            for content in answer.get("content", {}).values():
                first = next(iter(content.get("examples", {}).items()), None)
                content["examples"] = dict([first]) if first else {}
        cut["paths"].setdefault(path, {})[method] = kept
        take(kept)
    while waiting:
        ref = waiting.pop()
        _, _, kind, name = ref.split("/")
        there = cut["components"].setdefault(kind, {})
        if name not in there:
            node = whole["components"][kind][name]
            there[name] = node if kind == "examples" else bare(node)
            take(there[name])
    json.dump(cut, sys.stdout, separators=(",", ":"), sort_keys=True)
    print()


main()
