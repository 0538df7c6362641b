import { type FormEvent, type ReactNode, useEffect, useRef } from "react";

interface AskDialogProps {
  id: string;
  title: string;
  problem: string;
  submit: (event: FormEvent<HTMLFormElement>) => void;
  close: () => void;
  buttons: ReactNode;
  children: ReactNode;
}

/** A form that is asked before something is done; Airflow keeps the answers. */
export function AskDialog({ id, title, problem, submit, close, buttons, children }: AskDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="glp-dialog" aria-labelledby={id} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit(event);
        }}
      >
        <h3 id={id}>{title}</h3>
        {children}
        {problem && (
          <p role="alert" className="glp-problem">
            {problem}
          </p>
        )}
        <p className="glp-muted">Airflow keeps what you enter, and shows it to everyone who may see this run: no secrets.</p>
        <div className="glp-actions">
          {buttons}
          <button type="button" className="glp-button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}
