import { Link } from "wouter";
import { useConversations } from "../sidebar/conversations";
import { Endless } from "../ui/Endless";

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** The conversations that one has with somebody. */
export function Talks({ character }: { character: string }) {
  const list = useConversations({ character });
  if (!list.data?.length) return null;
  return (
    <section aria-labelledby="talks">
      <h2 id="talks">So far</h2>
      <ul role="list" className="talks">
        {list.data.map(({ id, title, character_name, last_message_preview, last_message_at, created_at }) => (
          <li key={id}>
            <Link href={`/c/${id}`}>
              <span>
                <time className="talks-when" dateTime={last_message_at ?? created_at}>
                  {DAY.format(new Date(last_message_at ?? created_at))}
                </time>
                <strong dir="auto">{title || character_name}</strong>
              </span>
              <span className="talks-last" dir="auto">
                {last_message_preview || "Nothing was said yet"}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <Endless list={list} />
    </section>
  );
}
