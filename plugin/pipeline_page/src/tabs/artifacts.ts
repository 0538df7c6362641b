import { address, runPath } from "../data/requests";
import type { PipelineView } from "../data/types";

// What the server sends: `plugins/page/artifacts.py`.

export interface ArchiveView {
  job: string;
  task: string;
  kind: string;
  name: string;
  files: number;
  size: number;
  expires: string;
  exposed: string;
}

export interface EntryView {
  path: string;
  name: string;
  size: number;
  files: number;
  link: boolean;
}

export interface FolderView {
  job: string;
  kind: string;
  size: number;
  files: number;
  expires: string;
  entries: EntryView[];
  more: number;
  refusal: string;
}

/** Where a reader is: an archive, a folder or file in it. */
export interface Place {
  task: string;
  kind: string;
  folder: string;
  file: string;
}

export function artifactsPath(view: PipelineView): string {
  return `gitlab-ci/${runPath(view.dag, view.run)}/artifacts`;
}

export function archivePath(view: PipelineView, place: Pick<Place, "task" | "kind">): string {
  return `${artifactsPath(view)}/${encodeURIComponent(place.task)}/${encodeURIComponent(place.kind)}`;
}

export function folderPath(view: PipelineView, place: Place, find: string): string {
  return `${archivePath(view, place)}?${new URLSearchParams({ folder: place.folder, find })}`;
}

export function filePath(view: PipelineView, place: Pick<Place, "task" | "kind">, path: string): string {
  return `${archivePath(view, place)}/file?${new URLSearchParams({ path })}`;
}

export function download(path: string): string {
  return address(path);
}

export function readPlace(params: URLSearchParams): Place | undefined {
  const task = params.get("of") ?? "";
  if (!task) return undefined;
  return { task, kind: params.get("kind") || "archive", folder: params.get("folder") ?? "", file: params.get("file") ?? "" };
}

/** Names a place in the address of the page. */
export function search(place: Partial<Place>): string {
  const given = { tab: "artifacts", of: place.task, kind: place.kind, folder: place.folder, file: place.file };
  const set = Object.entries(given).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return `?${new URLSearchParams(set)}`;
}

/** The folders on the way to a path, with their names. */
export function steps(path: string): { name: string; path: string }[] {
  const names = path.split("/").filter(Boolean);
  return names.map((name, index) => ({ name, path: `${names.slice(0, index + 1).join("/")}/` }));
}

const IMAGES: [string, number[]][] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
];

/** The type of an image of pixels by its first bytes; others, SVG too, could run scripts. */
export function imageType(bytes: Uint8Array): string {
  const found = IMAGES.find(([, first]) => first.every((byte, at) => bytes[at] === byte));
  if (found) return found[0];
  const letters = (from: number, to: number) => String.fromCharCode(...bytes.slice(from, to));
  return letters(0, 4) === "RIFF" && letters(8, 12) === "WEBP" ? "image/webp" : "";
}

/** The text of a file; undefined for one that is none. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  return new TextDecoder("utf-8").decode(bytes);
}
