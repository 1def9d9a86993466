import { Link } from "wouter";
import { shortTime, useToday } from "../sidebar/days";
import { useAvatar } from "../sidebar/useAvatar";
import { Avatar } from "../ui/Avatar";
import { grouped, type Hit } from "./hits";
import { Highlight } from "./Highlight";

const WHO: Partial<Record<string, string>> = { user: "You", system: "Direction", tool: "A tool" };

/** What was found, newest first; each leads to where it was said. */
export function Found({ hits }: { hits: Hit[] }) {
  return (
    <ol role="list" className="found">
      {grouped(hits).map((group) => (
        <Group key={keyOf(group[0])} hits={group} />
      ))}
    </ol>
  );
}

function Group({ hits }: { hits: Hit[] }) {
  const conversation = hits[0]?.conversation;
  const avatar = useAvatar(conversation?.character ?? null);
  if (!conversation) return null;
  const { id, title, character_name: name } = conversation;
  return (
    <li className="found-group">
      <h2 className="found-where">
        <Avatar size="small" name={name} src={avatar} />
        <span className="found-title" dir="auto">
          {title || name}
        </span>
        {title && (
          <span className="found-name" dir="auto">
            {name}
          </span>
        )}
      </h2>
      <ul role="list">
        {hits.map((hit) => (
          <li key={keyOf(hit)}>
            <One hit={hit} to={hit.message ? `/c/${id}?message=${hit.message.id}` : `/c/${id}`} />
          </li>
        ))}
      </ul>
    </li>
  );
}

function One({ hit: { message, conversation, highlight }, to }: { hit: Hit; to: string }) {
  const today = useToday();
  const time = message && new Date(message.created_at);
  return (
    <Link href={to} className="found-hit">
      <span className="found-who">
        <span dir="auto">{message ? (WHO[message.role] ?? conversation.character_name) : "The title"}</span>
        {time && <time dateTime={time.toISOString()}>{shortTime(time, today)}</time>}
      </span>
      <Highlight html={highlight} markdown={message !== null} />
    </Link>
  );
}

function keyOf(hit: Hit | undefined): string {
  return hit?.message?.id ?? `title ${hit?.conversation.id ?? ""}`;
}
