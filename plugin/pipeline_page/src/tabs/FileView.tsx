import type { PipelineView } from "../data/types";
import { download, filePath, type Place } from "./artifacts";
import { useFile } from "./useFile";

/** A file: text and images of pixels are shown, nothing in it is run. */
export function FileView({ view, place }: { view: PipelineView; place: Place }) {
  const path = filePath(view, place, place.file);
  const shown = useFile(path);
  return (
    <section aria-label={place.file} className="glp-file">
      <p className="glp-line">
        <a className="glp-link" href={download(path)} download>
          Download this file
        </a>
        {shown.cut && <span className="glp-muted">Only its beginning is shown.</span>}
      </p>
      {shown.problem && (
        <p role="alert" className="glp-notice glp-failed">
          {shown.problem}
        </p>
      )}
      {shown.loading && (
        <p role="status" className="glp-nothing">
          Reading the file …
        </p>
      )}
      {shown.image && <img className="glp-picture" src={shown.image} alt={place.file} />}
      {shown.text !== undefined && (
        <pre className="glp-text-file" tabIndex={0}>
          {shown.text}
        </pre>
      )}
      {!shown.loading && !shown.problem && !shown.image && shown.text === undefined && (
        <p className="glp-nothing">This is neither text nor an image. Download it to look at it.</p>
      )}
    </section>
  );
}
