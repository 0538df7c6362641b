import { useRead } from "../data/read";
import { runPath } from "../data/requests";
import type { PipelineView } from "../data/types";
import { Outside } from "../parts/Outside";
import { ago, moment } from "../parts/words";
import { Reading, Table } from "./Table";

// What the server sends: `plugins/page/environments.py`.

interface DeploymentView {
  iid: number;
  ref: string;
  sha: string;
  pipeline: number;
  job: string;
  finished: string;
  user: string;
  url: string;
  job_url: string;
  here: boolean;
}

interface EnvironmentView {
  name: string;
  tier: string;
  state: string;
  url: string;
  stops: string;
  deployments: DeploymentView[];
}

export interface EnvironmentsView {
  environments: EnvironmentView[];
  releases: { job: string; tag: string; name: string; description: string; links: [string, string][] }[];
}

/** Where the project is deployed, who deployed what, and the releases of this pipeline. */
export function Environments({ view }: { view: PipelineView }) {
  const version = view.stages.flatMap((stage) => stage.jobs.map((job) => job.environment)).join();
  const read = useRead<EnvironmentsView>(`gitlab-ci/${runPath(view.dag, view.run)}/environments`, version);
  return (
    <Reading read={read} empty="" what="the environments">
      {({ environments, releases }) => (
        <>
          {!environments.length && !releases.length && (
            <p className="glp-nothing">No job of this project has deployed to an environment.</p>
          )}
          {environments.map((each) => (
            <Environment key={each.name} environment={each} />
          ))}
          {releases.length > 0 && <h3 className="glp-head">Releases that this pipeline asks for</h3>}
          {releases.map((each) => (
            <section key={`${each.job} ${each.tag}`} className="glp-place">
              <h4>
                {each.name} <span className="glp-ref">{each.tag}</span>
              </h4>
              <p className="glp-words">{each.description}</p>
              <p className="glp-line">
                {each.links.map(([name, url]) => (
                  <Outside key={url} href={url}>
                    {name}
                  </Outside>
                ))}
                <span className="glp-muted">job {each.job}</span>
              </p>
            </section>
          ))}
        </>
      )}
    </Reading>
  );
}

function Environment({ environment }: { environment: EnvironmentView }) {
  const last = environment.deployments[0];
  return (
    <section className="glp-place" aria-label={`Environment ${environment.name}`}>
      <h3 className="glp-line">
        {environment.name}
        {environment.tier !== environment.name && <span className="glp-tag">{environment.tier}</span>}
        {environment.state !== "available" && <span className="glp-tag">{environment.state}</span>}
      </h3>
      <p className="glp-line">
        {environment.url && <Outside href={environment.url}>{environment.url}</Outside>}
        {environment.stops && <span className="glp-muted">stops {ago(environment.stops)}</span>}
      </p>
      {last ? (
        <p>
          <span className="glp-ref">{last.ref}</span> <code>{last.sha.slice(0, 8)}</code> deployed{" "}
          <span title={moment(last.finished)}>{ago(last.finished)}</span>
          {last.user && (
            <>
              {" "}
              by <strong>{last.user}</strong>
            </>
          )}
          {last.here && <span className="glp-muted"> by this pipeline</span>}
        </p>
      ) : (
        <p className="glp-muted">Nothing has been deployed there.</p>
      )}
      {environment.deployments.length > 0 && (
        <details>
          <summary>History</summary>
          <Table label={`Deployments to ${environment.name}`} heads={["Deployment", "When", "Who", "Ref", "Commit", "Pipeline", "Job"]} right={[0, 5]}>
            {environment.deployments.map((each) => (
              <tr key={each.iid}>
                <td className="glp-right">{each.iid}</td>
                <td title={moment(each.finished)}>{ago(each.finished)}</td>
                <td>{each.user || <span className="glp-muted">not recorded</span>}</td>
                <td>{each.ref}</td>
                <td>
                  <code>{each.sha.slice(0, 8)}</code>
                </td>
                <td className="glp-right">#{each.pipeline}</td>
                <td>
                  <Outside href={each.job_url}>{each.job}</Outside>
                </td>
              </tr>
            ))}
          </Table>
        </details>
      )}
    </section>
  );
}
