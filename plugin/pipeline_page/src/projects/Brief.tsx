import { Link } from "react-router-dom";

import { pipelinePath } from "../data/requests";
import { Elapsed } from "../parts/clock";
import { StatusIcon } from "../parts/StatusIcon";
import { ago, duration, moment, sourceWord, statusWord } from "../parts/words";
import type { BriefView } from "./types";

/** A pipeline in a line: status, ref, commit, who, how long. */
export function Brief({ pipeline }: { pipeline: BriefView }) {
  const { about, status } = pipeline;
  const numbered = about !== null && about.id > 0; // a run without a pipeline says why instead
  return (
    <li>
      <Link className="glp-brief" to={pipelinePath(pipeline)} title={pipeline.text}>
        <span className={`glp-badge glp-${status}`}>
          <StatusIcon status={status} />
          {statusWord(status)}
        </span>
        <strong>{numbered ? `#${about.id}` : pipeline.run}</strong>
        {about && (
          <span className="glp-ref">
            {about.merge_request ? `!${about.merge_request} ` : ""}
            {about.ref}
          </span>
        )}
        {about?.sha && <code className="glp-muted">{about.sha.slice(0, 8)}</code>}
        <span className="glp-name">{numbered ? about.name || about.title : pipeline.text}</span>
        <span className="glp-muted glp-who" title={moment(pipeline.created)}>
          {[about ? sourceWord(about.source) : "", pipeline.user ? `by ${pipeline.user}` : "", ago(pipeline.created)].filter(Boolean).join(" · ")}
        </span>
        <span className="glp-time">
          <Took pipeline={pipeline} />
        </span>
      </Link>
    </li>
  );
}

export function Took({ pipeline: { started, ended } }: { pipeline: BriefView }) {
  if (!started) return null;
  if (!ended) return <Elapsed since={started} />;
  return <>{duration((Date.parse(ended) - Date.parse(started)) / 1000)}</>;
}
