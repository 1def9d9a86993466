import "./Settings.css";
import { BookHeart, ChartNoAxesColumn, KeyRound, Package, SunMoon, UserRound } from "lucide-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { told } from "../api/refusal";
import { useSignOut } from "../session/session";
import { Screen } from "../shell/Screen";
import { Button } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { toast } from "../ui/toasts";

const Account = lazy(() => import("./Account"));
const Appearance = lazy(() => import("./Appearance"));
const Usage = lazy(() => import("./Usage"));
const Memory = lazy(() => import("./Memory"));
const Keys = lazy(() => import("./Keys"));
const Data = lazy(() => import("./Data"));

const PAGES = [
  { href: "/settings/account", label: "Account", icon: UserRound, page: Account },
  { href: "/settings/appearance", label: "Appearance", icon: SunMoon, page: Appearance },
  { href: "/settings/memory", label: "Memory", icon: BookHeart, page: Memory },
  { href: "/settings/usage", label: "Usage", icon: ChartNoAxesColumn, page: Usage },
  { href: "/settings/keys", label: "API keys", icon: KeyRound, page: Keys },
  { href: "/settings/data", label: "Your data", icon: Package, page: Data },
];

export default function Settings() {
  const [place, navigate] = useLocation();
  const signOut = useSignOut();
  const here = useRef<HTMLUListElement>(null);

  // On a phone they stand in a row that is wider than it.
  useEffect(() => {
    here.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [place]);

  async function leave() {
    try {
      await signOut();
      // Who comes next begins at the beginning.
      navigate("/sign-in", { replace: true });
    } catch (error) {
      toast(told(error), "danger");
    }
  }

  return (
    <Screen title="Settings" actions={<Button onClick={() => void leave()}>Sign out</Button>}>
      <div className="settings">
        <nav aria-label="Settings" className="settings-places">
          <ul role="list" ref={here}>
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
