import { type FormEvent, useEffect, useState } from "react";

import { RequestError, send } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { AskDialog } from "./AskDialog";
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
  const [question, setQuestion] = useState<Question>();
  const [problem, setProblem] = useState("");

  useEffect(() => {
    send(questionPath(view, job))
      .then(async (response) => setQuestion((await response.json()) as Question))
      .catch((error: unknown) => setProblem(error instanceof RequestError ? error.message : "Airflow does not answer."));
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
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
    <AskDialog
      id="glp-play"
      title={`Play ${job.name}`}
      problem={problem || action.problem}
      submit={(event) => void submit(event)}
      close={close}
      buttons={(question?.options ?? []).map((option, index) => (
        <button key={option} className={`glp-button${index ? "" : " glp-main"}`} value={option} disabled={action.busy}>
          {option}
        </button>
      ))}
    >
      {question?.body && <p className="glp-words">{question.body}</p>}
      {Object.entries(question?.params ?? {}).map(([name, field]) => (
        <Input key={name} name={name} field={field} />
      ))}
    </AskDialog>
  );
}
