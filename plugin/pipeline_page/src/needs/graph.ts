// Which job waits for which, as columns from left to right. Pure.

import type { StageView } from "../data/types";
import { fold, type Entry, type Fold } from "../pipeline/fold";

/** A job, the instances of a `parallel` job, or a gate: "all of the stages before". */
export interface Node {
  key: string;
  /** What is shown; none for a gate. */
  entry?: Entry;
  /** Of a gate: the stage that it lets in. */
  stage: string;
  column: number;
  before: string[];
}

export interface Graph {
  /** By column, in the order in which they are drawn. */
  columns: Node[][];
  gates: Node[];
  nodes: Map<string, Node>;
}

const GATE = "\u0000";

export function nameOf(entry: Entry): string {
  return "job" in entry ? entry.job.name : entry.fold.name;
}

export function jobsOf(entry: Entry): Fold["jobs"] {
  return "job" in entry ? [entry.job] : entry.fold.jobs;
}

/**
 * Arranges the jobs of some stages. A job without `needs` waits for all jobs of earlier stages. Edges to
 * each of them would be thousands, so they meet in a gate before its stage.
 */
export function graph(stages: StageView[]): Graph {
  const nodes = new Map<string, Node>();
  const shown = stages.filter((stage) => stage.jobs.length).map(({ name, jobs }) => ({ name, entries: fold(jobs) }));
  const keys = new Map<string, string>();
  for (const { name, entries } of shown) {
    for (const entry of entries) {
      const key = nameOf(entry);
      nodes.set(key, { key, entry, stage: name, column: -1, before: [] });
      for (const job of jobsOf(entry)) keys.set(job.name, key);
    }
  }

  function gate(index: number): string[] {
    const stage = shown[index];
    const earlier = shown[index - 1];
    if (!stage || !earlier) return [];
    const key = GATE + stage.name;
    if (!nodes.has(key)) {
      const made: Node = { key, stage: stage.name, column: -1, before: earlier.entries.map(nameOf) };
      nodes.set(key, made);
      if (!earlier.entries.some(waits)) made.before.push(...gate(index - 1));
    }
    return [key];
  }

  shown.forEach(({ entries }, index) => {
    for (const entry of entries) {
      const needed = jobsOf(entry).flatMap((job) => job.needs ?? []);
      const found = needed.map((name) => keys.get(name)).filter((key) => key !== undefined);
      nodes.get(nameOf(entry))!.before = [...new Set([...found, ...(waits(entry) ? gate(index) : [])])];
    }
  });
  for (const node of nodes.values()) place(node, nodes);
  return { columns: arranged(nodes), gates: [...nodes.values()].filter((node) => !node.entry), nodes };
}

function waits(entry: Entry): boolean {
  return jobsOf(entry).some((job) => job.needs === null);
}

/** Finds the column of a node; a gate is at the end of the column of the last that it waits for. */
function place(node: Node, nodes: Map<string, Node>): number {
  if (node.column >= 0) return node.column;
  node.column = 0; // GitLab refuses cycles; if there is one all the same, this ends it.
  const before = node.before.map((key) => place(nodes.get(key)!, nodes));
  node.column = before.length ? Math.max(...before) + (node.entry ? 1 : 0) : 0;
  return node.column;
}

/** Puts each node near those that it waits for, so that fewer edges cross. */
function arranged(nodes: Map<string, Node>): Node[][] {
  const columns: Node[][] = [];
  for (const node of nodes.values()) if (node.entry) (columns[node.column] ??= []).push(node);
  const rows = new Map<string, number>();
  for (const column of columns) {
    const wish = new Map(column.map((node, row) => [node, middle(node, rows, nodes) ?? row]));
    column.sort((one, other) => wish.get(one)! - wish.get(other)!);
    column.forEach((node, row) => rows.set(node.key, row));
  }
  return columns;
}

function middle(node: Node, rows: Map<string, number>, nodes: Map<string, Node>): number | undefined {
  const known = node.before.filter((key) => nodes.get(key)!.entry).map((key) => rows.get(key) ?? 0);
  return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : undefined;
}

/** All that a node waits for and all that waits for it, itself included. */
export function chain(graph: Graph, key: string): Set<string> {
  const after = new Map<string, string[]>();
  for (const node of graph.nodes.values()) {
    for (const earlier of node.before) after.set(earlier, [...(after.get(earlier) ?? []), node.key]);
  }
  const found = new Set<string>();
  collect(key, (one) => graph.nodes.get(one)?.before ?? [], found);
  found.delete(key);
  collect(key, (one) => after.get(one) ?? [], found);
  return found;
}

function collect(key: string, next: (key: string) => string[], found: Set<string>): void {
  const open = [key];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (found.has(one)) continue;
    found.add(one);
    open.push(...next(one));
  }
}

/** What a node waits for, in words: the edges for those who do not see them. */
export function inWords(graph: Graph, node: Node): string {
  const jobs = node.before.filter((key) => graph.nodes.get(key)?.entry);
  const parts = [...jobs, ...(jobs.length < node.before.length ? ["all jobs of the earlier stages"] : [])];
  return parts.length ? `needs ${parts.join(", ")}` : "needs nothing, it starts at once";
}
