import { useSearchParams } from "react-router-dom";

import { useRead } from "../data/read";
import type { PipelineView } from "../data/types";
import { Archive } from "./Archive";
import { type ArchiveView, archivePath, artifactsPath, download, readPlace, search } from "./artifacts";
import { Place } from "./Place";
import { Reading, Table } from "./Table";
import { ago, bytes, count, moment } from "../parts/words";

/** The archives that the jobs have left; one of them opened. */
export function Artifacts({ view }: { view: PipelineView }) {
  const [params] = useSearchParams();
  const place = readPlace(params);
  return place ? <Archive view={view} place={place} /> : <Archives view={view} />;
}

function Archives({ view }: { view: PipelineView }) {
  const version = view.stages.flatMap((stage) => stage.jobs.map((job) => job.artifacts)).join();
  const read = useRead<ArchiveView[]>(artifactsPath(view), version);
  return (
    <Reading read={read} empty="The jobs of this pipeline have left no artifacts." what="the artifacts">
      {(archives) => (
        <Table label="Artifacts" heads={["Job", "Artifacts", "Files", "Size", "Expires", ""]} right={[2, 3]}>
          {archives.map((each) => (
            <tr key={`${each.task} ${each.kind}`}>
              <td>{each.job}</td>
              <td>
                <Place to={search(each)}>{title(each)}</Place>
              </td>
              <td className="glp-right">{each.files || ""}</td>
              <td className="glp-right">{bytes(each.size)}</td>
              <td title={moment(each.expires)}>{expiry(each)}</td>
              <td className="glp-right">
                <a className="glp-link" href={download(`${archivePath(view, each)}/archive.zip`)} download>
                  Download<span className="glp-hidden"> {title(each)} of {each.job}</span>
                </a>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Reading>
  );
}

function title(archive: ArchiveView): string {
  if (archive.kind !== "archive") return `${archive.kind} report`;
  return archive.exposed || archive.name || count(archive.files, "file");
}

/** When artifacts expire, or have expired; `before` goes before a time that is to come. */
export function expiry({ expires }: { expires: string }, before = ""): string {
  if (!expires) return "never";
  return Date.parse(expires) < Date.now() ? `expired ${ago(expires)}` : `${before}${ago(expires)}`;
}
