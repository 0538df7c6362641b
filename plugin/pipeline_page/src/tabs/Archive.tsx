import { useState } from "react";

import { useRead } from "../data/read";
import type { PipelineView } from "../data/types";
import { bytes, count } from "../parts/words";
import { expiry } from "./Artifacts";
import {
  archivePath,
  download,
  type EntryView,
  filePath,
  folderPath,
  type FolderView,
  type Place as At,
  search,
  steps,
} from "./artifacts";
import { FileView } from "./FileView";
import { Place } from "./Place";
import { Reading, Table } from "./Table";

/** An archive: the folder or file that the address names. */
export function Archive({ view, place }: { view: PipelineView; place: At }) {
  const [text, setText] = useState("");
  const read = useRead<FolderView>(folderPath(view, place, place.file ? "" : text));
  return (
    <>
      <Way view={view} place={place} folder={read.value} />
      {place.file ? (
        <FileView view={view} place={place} />
      ) : (
        <>
          <input
            type="search"
            className="glp-find"
            placeholder="Find a file"
            aria-label={`Find a file in ${place.folder || "the archive"}`}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Reading read={read} empty="" what="the archive">
            {(folder) => <Entries view={view} place={place} folder={folder} />}
          </Reading>
        </>
      )}
    </>
  );
}

/** Which archive it is, and the folders on the way. */
function Way({ view, place, folder }: { view: PipelineView; place: At; folder?: FolderView }) {
  const at = { task: place.task, kind: place.kind };
  const ways = steps(place.file ? place.file.slice(0, place.file.lastIndexOf("/") + 1) : place.folder);
  const facts = folder && [count(folder.files, "file"), bytes(folder.size), folder.expires && expiry(folder, "expires ")];
  return (
    <div className="glp-title">
      <nav aria-label="Position" className="glp-crumbs">
        <Place to="?tab=artifacts">Artifacts</Place>
        <Place to={search(at)}>
          {folder?.job ?? place.task}
          {place.kind === "archive" ? "" : ` (${place.kind} report)`}
        </Place>
        {ways.map((way) => (
          <Place key={way.path} to={search({ ...at, folder: way.path })}>
            {way.name}
          </Place>
        ))}
        {place.file && <strong>{place.file.slice(place.file.lastIndexOf("/") + 1)}</strong>}
      </nav>
      <span className="glp-actions">
        {facts && <span className="glp-muted">{facts.filter(Boolean).join(", ")}</span>}
        {folder && !folder.refusal && (
          <a className="glp-button" href={download(`${archivePath(view, place)}/archive.zip`)} download>
            Download all
          </a>
        )}
      </span>
    </div>
  );
}

function Entries({ view, place, folder }: { view: PipelineView; place: At; folder: FolderView }) {
  return (
    <>
      {folder.refusal && <p className="glp-notice glp-warning">You can see the names only: {folder.refusal}.</p>}
      {folder.entries.length ? (
        <Table label="Files" heads={["Name", "Size", ""]} right={[1]}>
          {folder.entries.map((entry) => (
            <Entry key={entry.path} view={view} place={place} entry={entry} refused={folder.refusal !== ""} />
          ))}
        </Table>
      ) : (
        <p className="glp-nothing">There are no such files.</p>
      )}
      {folder.more > 0 && <p className="glp-muted">{count(folder.more, "more file")} not listed: find them by name, or download the archive.</p>}
    </>
  );
}

interface EntryProps {
  view: PipelineView;
  place: At;
  entry: EntryView;
  refused: boolean;
}

function Entry({ view, place, entry, refused }: EntryProps) {
  const at = { task: place.task, kind: place.kind };
  const isFolder = entry.path.endsWith("/");
  return (
    <tr>
      <td className="glp-path">
        <span aria-hidden="true" className="glp-entry">{isFolder ? "▸" : ""}</span>
        {isFolder ? (
          <Place to={search({ ...at, folder: entry.path })}>{entry.name}/</Place>
        ) : refused || entry.link ? (
          <span>{entry.name}</span>
        ) : (
          <Place to={search({ ...at, file: entry.path })}>{entry.name}</Place>
        )}
        {isFolder && <span className="glp-muted"> {count(entry.files, "file")}</span>}
        {entry.link && <span className="glp-muted"> symbolic link</span>}
      </td>
      <td className="glp-right">{bytes(entry.size)}</td>
      <td className="glp-right">
        {!isFolder && !entry.link && !refused && (
          <a className="glp-link" href={download(filePath(view, at, entry.path))} download>
            Download<span className="glp-hidden"> {entry.name}</span>
          </a>
        )}
      </td>
    </tr>
  );
}
