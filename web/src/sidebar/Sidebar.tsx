import "./Sidebar.css";
import { Search, Settings, Users } from "lucide-react";
import { Link } from "wouter";
import { Button } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { useConversations } from "./conversations";

export function Sidebar() {
  const list = useConversations();
  return (
    <div className="sidebar">
      <Link href="/" className="sidebar-name">
        Dramatis
      </Link>
      <nav aria-label="Conversations" className="sidebar-list">
        {list.isPending && <Loading />}
        <ul role="list">
          {list.data?.map((conversation) => (
            <li key={conversation.id}>
              <Place href={`/c/${conversation.id}`}>
                <span className="sidebar-title">{conversation.title || conversation.character_name}</span>
                <span className="sidebar-who">{conversation.character_name}</span>
              </Place>
            </li>
          ))}
        </ul>
        {list.hasNextPage && (
          <Button look="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Earlier ones
          </Button>
        )}
      </nav>
      <nav aria-label="Places" className="sidebar-places">
        <Place href="/search">
          <Search /> Search
        </Place>
        <Place href="/characters">
          <Users /> Characters
        </Place>
        <Place href="/settings">
          <Settings /> Settings
        </Place>
      </nav>
    </div>
  );
}

function Place({ href, children }: { href: string; children: React.ReactNode }) {
  return (
    <Link href={href} className={(here) => (here ? "sidebar-place sidebar-here" : "sidebar-place")}>
      {children}
    </Link>
  );
}
