import { Download } from "lucide-react";
import { lazy, useState } from "react";
import { Fetched } from "../ui/Fetched";
import { Button } from "../ui/Button";
import { ImportConversation } from "./ImportConversation";
import { Section } from "./Section";

const DeleteAccount = lazy(() => import("./DeleteAccount"));

/** What is kept here: to be taken along, brought in, and deleted. */
export default function Data() {
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <Section
        title="Take everything with you"
        about="One zip archive: your account, your characters and what they know, your conversations with all their branches. Where others are making theirs, it may be refused for a moment: try again then."
      >
        <div>
          <a className="button" href="/api/auth/users/me/export/" download>
            <Download /> Export everything
          </a>
        </div>
      </Section>
      <ImportConversation />
      <Section
        title="Delete your account"
        about="Your characters, all conversations and everything else of yours goes, at once and for good."
      >
        <div>
          <Button look="danger" onClick={() => setDeleting(true)}>
            Delete the account…
          </Button>
        </div>
        <Fetched place={String(deleting)} onLost={() => setDeleting(false)}>
          {deleting && <DeleteAccount onClose={() => setDeleting(false)} />}
        </Fetched>
      </Section>
    </>
  );
}
