import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Refusal } from "./api/refusal";
import { session as events } from "./api/send";
import { forget, useSession } from "./session/session";
import { Shell } from "./shell/Shell";
import { Boundary } from "./ui/Boundary";
import { Loading } from "./ui/Loading";
import { Problem } from "./ui/Problem";
import { Toasts } from "./ui/Toasts";

const SignIn = lazy(() => import("./session/SignIn"));
const SignUp = lazy(() => import("./session/SignUp"));
const Home = lazy(() => import("./home/Home"));
const Talk = lazy(() => import("./talk/Talk"));
const Characters = lazy(() => import("./characters/Characters"));
const CharacterPage = lazy(() => import("./characters/CharacterPage"));
const EditCharacter = lazy(() => import("./characters/EditCharacter"));
const Search = lazy(() => import("./search/Search"));
const Settings = lazy(() => import("./settings/Settings"));
const Nowhere = lazy(() => import("./shell/Nowhere"));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // The server may be on this machine, or in this house: a device without the net finds it all the same.
      networkMode: "always",
      // What the server refused it would refuse again; only a line that broke is worth another try.
      retry: (count, error) => !(error instanceof Refusal && error.status < 500) && count < 3,
    },
    mutations: { networkMode: "always" },
  },
});

export function App() {
  useEffect(() => {
    const onSignedOut = () => void forget(client);
    events.addEventListener("signed-out", onSignedOut);
    return () => events.removeEventListener("signed-out", onSignedOut);
  }, []);
  return (
    <QueryClientProvider client={client}>
      <Pages />
      <Toasts />
    </QueryClientProvider>
  );
}

function Pages() {
  const [place] = useLocation();
  return (
    <Boundary place={place}>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/sign-in" component={SignIn} />
          <Route path="/sign-up" component={SignUp} />
          <Route>
            <SignedIn>
              <Shell>
                <Boundary place={place}>
                  <Suspense fallback={<Loading />}>
                    <Switch>
                      <Route path="/" component={Home} />
                      <Route path="/c/:id">{({ id }) => <Talk key={id} id={id} />}</Route>
                      <Route path="/characters" component={Characters} />
                      <Route path="/characters/new/:part?">{({ part }) => <EditCharacter part={part} />}</Route>
                      <Route path="/characters/:id/edit/:part?">
                        {({ id, part }) => <EditCharacter key={id} id={id} part={part} />}
                      </Route>
                      <Route path="/characters/:id">{({ id }) => <CharacterPage key={id} id={id} />}</Route>
                      <Route path="/search" component={Search} />
                      <Route path="/settings/*?" component={Settings} />
                      <Route component={Nowhere} />
                    </Switch>
                  </Suspense>
                </Boundary>
              </Shell>
            </SignedIn>
          </Route>
        </Switch>
      </Suspense>
    </Boundary>
  );
}

/** Who was signed in when this page was loaded, or the first one since. */
let whose: string | null = null;

function SignedIn({ children }: { children: ReactNode }) {
  const { data, error, refetch } = useSession();
  const [place] = useLocation();
  const user = data?.user?.id ?? null;
  useEffect(() => {
    if (user === null) return;
    whose ??= user;
    if (whose === user) return;
    // Nothing that was loaded, or waits here, is theirs: in this tab, or since they signed in in another one.
    window.location.reload();
  }, [user]);
  if (user !== null && whose !== null && whose !== user) return <Loading />;
  if (data?.user) return children;
  if (data) return <Redirect to={place === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(place)}`} replace />;
  if (error) return <Problem error={error} onRetry={() => void refetch()} />;
  return <Loading />;
}
