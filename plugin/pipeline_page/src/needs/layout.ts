// Where the chips and edges of the needs view are, in pixels. Pure.

import { jobsOf, type Graph, type Node } from "./graph";

const WIDTH = 230;
const GAP = 64;
const ROW = 42;
const INNER = 38;
const HEAD = 17;
const GATE = 20;

export interface Place {
  x: number;
  y: number;
}

export interface Edge {
  from: string;
  to: string;
  path: string;
}

export interface Layout {
  width: number;
  height: number;
  places: Map<string, Place>;
  edges: Edge[];
}

export function layout(graph: Graph, open: (node: Node) => boolean): Layout {
  const places = new Map<string, Place>();
  let height = 0;
  graph.columns.forEach((column, index) => {
    let y = 0;
    for (const node of column) {
      places.set(node.key, { x: index * (WIDTH + GAP), y });
      y += ROW + (open(node) && node.entry ? jobsOf(node.entry).length * INNER : 0);
    }
    height = Math.max(height, y);
  });
  for (const gate of graph.gates) {
    const before = gate.before.map((key) => places.get(key)?.y).filter((y) => y !== undefined);
    const y = before.length ? before.reduce((sum, one) => sum + one, 0) / before.length : 0;
    places.set(gate.key, { x: gate.column * (WIDTH + GAP) + WIDTH + GATE, y });
  }
  const width = Math.max(0, graph.columns.length * (WIDTH + GAP) - GAP);
  return { width, height, places, edges: edges(graph, places) };
}

function edges(graph: Graph, places: Map<string, Place>): Edge[] {
  return [...graph.nodes.values()].flatMap((node) =>
    node.before.map((from) => {
      const start = places.get(from)!;
      const end = places.get(node.key)!;
      const x = start.x + (graph.nodes.get(from)?.entry ? WIDTH : 0);
      return { from, to: node.key, path: curve(x, start.y + HEAD, end.x, end.y + HEAD) };
    }),
  );
}

function curve(x: number, y: number, toX: number, toY: number): string {
  const bend = Math.max(12, Math.min(GAP, toX - x) / 2);
  return `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
}
