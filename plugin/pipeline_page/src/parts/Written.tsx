import type { PipelineView, PlaceView } from "../data/types";
import { Outside } from "./Outside";
import { placeWord } from "./words";

/** A line of a file; of the pipeline's own commit it is a link to the GitLab server. */
export function Written({ view, place }: { view: PipelineView; place: PlaceView }) {
  return <Outside href={address(view, place)}>{placeWord(place)}</Outside>;
}

function address({ project_url: project, ref }: PipelineView, { file, line, own }: PlaceView): string {
  if (!project || !own) return "";
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `${project}/-/blob/${encodeURIComponent(ref.sha)}/${path}${line ? `#L${line}` : ""}`;
}
