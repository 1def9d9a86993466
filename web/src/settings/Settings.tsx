import "./Settings.css";
import { BookHeart, ChartNoAxesColumn, KeyRound, Package, SunMoon, UserRound } from "lucide-react";
import { lazy, Suspense } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { useSignOut } from "../session/session";
import { Screen } from "../shell/Screen";
import { Button } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { useAttempt } from "./useAttempt";

const Account = lazy(() => import("./Account"));
const Appearance = lazy(() => import("./Appearance"));
const Usage = lazy(() => import("./Usage"));
const Memory = lazy(() => import("./Memory"));
const Keys = lazy(() => import("./Keys"));
const Data = lazy(() => import("./Data"));

const PAGES = [
  { href: "/settings/account", label: "Account", icon: UserRound, page: Account },
  { href: "/settings/appearance", label: "Appearance", icon: SunMoon, page: Appearance },
  { href: "/settings/memory", label: "What is remembered", icon: BookHeart, page: Memory },
  { href: "/settings/usage", label: "Usage", icon: ChartNoAxesColumn, page: Usage },
  { href: "/settings/keys", label: "API keys", icon: KeyRound, page: Keys },
  { href: "/settings/data", label: "Your data", icon: Package, page: Data },
];

export default function Settings() {
  const [place] = useLocation();
  const signOut = useSignOut();
  const { busy, attempt } = useAttempt();
  return (
    <Screen
      title="Settings"
      actions={
        <Button busy={busy} onClick={() => void attempt(signOut)}>
          Sign out
        </Button>
      }
    >
      <div className="settings">
        <nav aria-label="Settings" className="settings-places">
          <ul role="list">
            {PAGES.map(({ href, label, icon: Icon }) => (
              <li key={href}>
                <Link href={href} className="settings-place" aria-current={place === href ? "page" : undefined}>
                  <Icon aria-hidden="true" /> {label}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className="settings-page">
          <Suspense fallback={<Loading />}>
            <Switch>
              {PAGES.map(({ href, page }) => (
                <Route key={href} path={href} component={page} />
              ))}
              <Redirect to="/settings/account" replace />
            </Switch>
          </Suspense>
        </div>
      </div>
    </Screen>
  );
}
