import { type FormEvent, useEffect, useRef, useState } from "react";

import { RequestError, send } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { Input, values, type Field } from "./fields";
import { answer, questionPath } from "./plan";
import type { Action } from "./useAction";

interface Question {
  body: string | null;
  options: string[];
  params: Record<string, Field>;
}

interface PlayFormProps {
  view: PipelineView;
  job: JobView;
  action: Action;
  close: () => void;
}

/** Asks what a manual job asks for: confirmation, inputs, variables. */
export function PlayForm({ view, job, action, close }: PlayFormProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [question, setQuestion] = useState<Question>();
  const [problem, setProblem] = useState("");

  useEffect(() => {
    dialog.current?.showModal();
    send(questionPath(view, job))
      .then(async (response) => setQuestion((await response.json()) as Question))
      .catch((error: unknown) => setProblem(error instanceof RequestError ? error.message : "Airflow does not answer."));
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (!question) return;
    const button = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const option = button?.value || (question.options[0] ?? "Play");
    let given: Record<string, unknown>;
    try {
      given = option === question.options[0] ? values(question, new FormData(event.currentTarget)) : {};
    } catch (error) {
      return setProblem(String((error as Error).message));
    }
    if ((await action.take(answer(view, job, option, given))) !== undefined) close();
  }

  return (
    <dialog ref={dialog} className="glp-dialog" aria-labelledby="glp-play" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <h3 id="glp-play">Play {job.name}</h3>
        {question?.body && <p className="glp-words">{question.body}</p>}
        {Object.entries(question?.params ?? {}).map(([name, field]) => (
          <Input key={name} name={name} field={field} />
        ))}
        {(problem || action.problem) && (
          <p role="alert" className="glp-problem">
            {problem || action.problem}
          </p>
        )}
        <p className="glp-muted">Airflow keeps what you enter, and shows it to everyone who may see this run: no secrets.</p>
        <div className="glp-actions">
          {(question?.options ?? []).map((option, index) => (
            <button key={option} className={`glp-button${index ? "" : " glp-main"}`} value={option} disabled={action.busy}>
              {option}
            </button>
          ))}
          <button type="button" className="glp-button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
