"""The console's own texts in English and French. What servers, clients and people wrote is never translated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

LANGUAGES = ("en", "fr")

TEXTS: dict[str, tuple[str, str]] = {  # key: English, French
    "skip": ("Skip to the content", "Aller au contenu"),
    "navigation": ("Pages", "Pages"),
    "other_language": ("Français", "English"),
    "sign_in": ("Sign in", "Se connecter"),
    "sign_out": ("Sign out", "Se déconnecter"),
    "signed_in": ("You are signed in. Continue", "Vous êtes connecté. Continuer"),
    "sign_in_how": (
        "Open the address that the switchboard printed, or paste its token. `scripts/flotilla console` prints it "
        "again.",
        "Ouvrez l’adresse que le switchboard a affichée, ou collez son jeton. `scripts/flotilla console` l’affiche "
        "de nouveau.",
    ),
    "token": ("Token", "Jeton"),
    "wrong_token": ("This is not the token of this console.", "Ce n’est pas le jeton de cette console."),
    "footer": ("this machine only", "sur cette machine seulement"),
    "settings_problem": (
        "The settings file cannot be used; the settings before stay in force.",
        "Le fichier de réglages est inutilisable ; les réglages précédents restent en vigueur.",
    ),
    "not_here": ("There is nothing at this address.", "Il n’y a rien à cette adresse."),
    "incomplete": ("Fill in the whole form, then send it again.", "Remplissez tout le formulaire, puis renvoyez-le."),
    "changed_meanwhile": (
        "This has changed since the page was opened. Look at it again below, then decide.",
        "Ceci a changé depuis l’ouverture de la page. Regardez de nouveau ci-dessous, puis décidez.",
    ),
    "all": ("All", "Tous"),
    "save": ("Save", "Enregistrer"),
    "remove": ("Remove", "Retirer"),
    "search": ("Search", "Chercher"),
    "nothing": ("nothing", "rien"),
    "server": ("Server", "Serveur"),
    "tool": ("Tool", "Outil"),
    "client": ("Client", "Client"),
    "user": ("User", "Utilisateur"),
    "decision": ("Decision", "Décision"),
    # -- pages
    "nav_approvals": ("Approvals", "Approbations"),
    "nav_servers": ("Servers", "Serveurs"),
    "nav_tools": ("Tools", "Outils"),
    "nav_activity": ("Activity", "Activité"),
    "nav_notes": ("Notes", "Notes"),
    "nav_health": ("Health", "État"),
    "nav_settings": ("Settings", "Réglages"),
    "nav_tenants": ("Tenants", "Organisations"),
    # -- approvals
    "approvals_lead": (
        "Calls that wait for your yes. A yes counts once, for exactly these arguments.",
        "Les appels qui attendent votre accord. Un accord vaut une fois, pour ces arguments exactement.",
    ),
    "waiting_none": ("Nothing is waiting for you.", "Rien ne vous attend."),
    "waiting_one": ("1 call is waiting for you.", "1 appel vous attend."),
    "waiting_many": ("{n} calls are waiting for you.", "{n} appels vous attendent."),
    "asked_by": ("Asked by", "Demandé par"),
    "unknown_client": ("a client without a name", "un client sans nom"),
    "why": ("Why you are asked", "Pourquoi on vous demande"),
    "until": ("Until", "Jusqu’à"),
    "minutes": ("{n} min left", "encore {n} min"),
    "approve": ("Approve", "Approuver"),
    "decline": ("Decline", "Refuser"),
    "not_waiting": (
        "This call does not wait any more: it was answered elsewhere, or its time is over.",
        "Cet appel n’attend plus : il a reçu une réponse ailleurs, ou son délai est passé.",
    ),
    "ended": ("Answered lately", "Réponses récentes"),
    "state_approved": ("approved", "approuvé"),
    "state_used": ("approved and done", "approuvé et fait"),
    "state_declined": ("declined", "refusé"),
    "state_expired": ("expired", "expiré"),
    "target": ("Target", "Cible"),
    "filter_by": ("Filter", "Filtre"),
    "effect_read": ("Reads", "Lit"),
    "effect_write": ("Creates or changes", "Crée ou modifie"),
    "effect_destroy": ("Deletes, overwrites or cannot be undone", "Supprime, écrase ou ne peut être annulé"),
    "done_approved": ("Approved. The call can be made now.", "Approuvé. L’appel peut se faire maintenant."),
    "done_declined": ("Declined. Nothing was done.", "Refusé. Rien n’a été fait."),
    # -- servers
    "servers_lead": (
        "What clients of this switchboard can reach. A server starts when one of its tools is called.",
        "Ce que les clients de ce switchboard peuvent atteindre. Un serveur démarre quand un de ses outils est appelé.",
    ),
    "state_running": ("running", "en marche"),
    "state_starting": ("starting", "démarre"),
    "state_idle": ("ready", "prêt"),
    "state_failing": ("not reachable", "injoignable"),
    "state_broken": ("left out", "mis à l’écart"),
    "state_quarantined": ("to be looked at", "à examiner"),
    "last_call": ("Last call", "Dernier appel"),
    "never_called": ("not called yet", "pas encore appelé"),
    "tools_count": ("{n} tools", "{n} outils"),
    "others": ("Not offered", "Non offerts"),
    "others_how": (
        "Put the keys of an account into the secrets file, or run `make login S=…`, then start the switchboard again.",
        "Ajoutez les clés d’un compte au fichier des secrets, ou lancez `make login S=…`, puis relancez le "
        "switchboard.",
    ),
    "or": ("or", "ou"),
    "not_chosen": ("ready, but not among the chosen servers", "prêt, mais ne fait pas partie des serveurs choisis"),
    "own_server": ("Your own:", "Le vôtre :"),
    "quarantine": ("Clients see nothing of it yet.", "Les clients n’en voient encore rien."),
    "look_at_tools": ("Look at its tools", "Regarder ses outils"),
    "read_again": ("Read its tools again", "Relire ses outils"),
    "log_in": ("Log in", "Se connecter au compte"),
    "no_login_address": (
        "{name} has not said where to log in. Look at its address, then try again.",
        "{name} n’a pas dit où se connecter. Vérifiez son adresse, puis réessayez.",
    ),
    "no_login_wanted": (
        "{name} did not ask for a login. Remove `auth: oauth`, if it needs none.",
        "{name} n’a pas demandé de connexion. Retirez `auth: oauth`, s’il n’en faut pas.",
    ),
    "login_failed": ("{name}: the login failed: {reason}", "{name} : la connexion a échoué : {reason}"),
    "log_in_to": ("Log in to {name}", "Connexion à {name}"),
    "log_in_how": (
        "A browser tab with the login opens on the machine where this console runs. If none does, follow this address:",
        "Un onglet s’ouvre sur la machine où tourne cette console. Si ce n’est pas le cas, suivez cette adresse :",
    ),
    "log_in_at": ("Log in at {host}", "Se connecter sur {host}"),
    "after_login": ("Then look at its tools", "Puis regarder ses outils"),
    "remove_server": (
        "Its secrets and the decisions about its tools are removed too.",
        "Ses secrets et les décisions sur ses outils sont retirés aussi.",
    ),
    "remove_named": ("Remove {name}", "Retirer {name}"),
    "add_server": ("Add a server", "Ajouter un serveur"),
    "add_server_how": (
        "Any MCP server: by its address, by a command, or as an image. Clients see nothing of it before you have "
        "looked at its tools.",
        "Tout serveur MCP : par son adresse, par une commande, ou comme image. Les clients n’en voient rien avant "
        "que vous ayez regardé ses outils.",
    ),
    "server_name": ("Name (small letters, digits, -)", "Nom (minuscules, chiffres, -)"),
    "server_title": ("Title", "Titre"),
    "server_url": ("Address", "Adresse"),
    "server_auth": ("Account", "Compte"),
    "server_token": ("Token", "Jeton"),
    "server_command": ("Command", "Commande"),
    "server_image": ("Image", "Image"),
    "server_args": ("Arguments of the image", "Arguments de l’image"),
    "server_volumes": ("Folders of the image", "Dossiers de l’image"),
    "server_env": ("Variables, one a line", "Variables, une par ligne"),
    "server_secrets": ("Secret variables, one a line", "Variables secrètes, une par ligne"),
    "server_transport": ("Transport", "Transport"),
    "server_headers": ("Headers, one a line", "En-têtes, un par ligne"),
    "server_local": (
        "It runs on this machine or network, or without https, and that is meant",
        "Il tourne sur cette machine ou ce réseau, ou sans https, et c’est voulu",
    ),
    "server_replace": ("Replace {name}, which is there already", "Remplacer {name}, qui existe déjà"),
    "by_command": ("By command or image", "Par commande ou image"),
    "more_options": ("More options", "Autres options"),
    "name_is_taken": (
        "There is a server {name} already. Choose another name, or tick that it is replaced.",
        "Il y a déjà un serveur {name}. Choisissez un autre nom, ou cochez qu’il est remplacé.",
    ),
    "not_name_value": ("Write NAME=VALUE in each line.", "Écrivez NOM=VALEUR sur chaque ligne."),
    "not_read": (
        "What {name} offers could not be read: {reason} Correct it, then read its tools again.",
        "Ce que {name} offre n’a pas pu être lu : {reason} Corrigez, puis relisez ses outils.",
    ),
    "choice_none": ("none", "aucun"),
    "choice_token": ("token", "jeton"),
    "choice_oauth": ("login in a browser (OAuth)", "connexion dans un navigateur (OAuth)"),
    "choice_http": ("streamable HTTP", "streamable HTTP"),
    "choice_sse": ("HTTP+SSE (older)", "HTTP+SSE (ancien)"),
    "remarks": ("{n} remarks on its definitions", "{n} remarques sur ses définitions"),
    "done_server_added": ("The server is added.", "Le serveur est ajouté."),
    "done_server_read": (
        "Its tools were read. Look at them, then clients see them.",
        "Ses outils ont été lus. Regardez-les, et les clients les verront.",
    ),
    "done_server_to_log_in": ("The server is added. Log in now.", "Le serveur est ajouté. Connectez-vous maintenant."),
    "done_server_removed": ("The server is removed.", "Le serveur est retiré."),
    # -- tools
    "tools_lead": (
        "Which tools may be called: allowed, asked about each time, or denied. Denied ones are neither listed nor "
        "found.",
        "Quels outils peuvent être appelés : autorisés, demandés à chaque fois, ou interdits. Les outils interdits "
        "ne sont ni listés ni trouvés.",
    ),
    "permissions_off": (
        "Permissions are off by an option of the switchboard: everything is allowed, and what is written here "
        "counts later.",
        "Les permissions sont désactivées par une option du switchboard : tout est autorisé, et ce qui est écrit "
        "ici vaudra plus tard.",
    ),
    "find_tool": ("Find a tool", "Trouver un outil"),
    "hits": ("{n} tools found", "{n} outils trouvés"),
    "by_server": ("By server", "Par serveur"),
    "decision_allow": ("allowed", "autorisé"),
    "decision_ask": ("asks", "sur demande"),
    "decision_deny": ("denied", "interdit"),
    "count_allow": ("{n} allowed", "{n} autorisés"),
    "count_ask": ("{n} ask", "{n} sur demande"),
    "count_deny": ("{n} denied", "{n} interdits"),
    "own_seen": ("As rules and defaults say", "Selon les règles et défauts"),
    "own_allow": ("Allow", "Autoriser"),
    "own_ask": ("Ask each time", "Demander à chaque fois"),
    "own_deny": ("Deny", "Interdire"),
    "changed_count": ("{n} changed", "{n} modifiés"),
    "unseen_count": ("{n} new", "{n} nouveaux"),
    "rules": ("Rules", "Règles"),
    "rules_how": (
        "A rule decides about all tools that its patterns match; * stands for any characters. Deny counts before "
        "ask, ask before allow.",
        "Une règle décide de tous les outils que ses motifs désignent ; * remplace tout texte. Interdire l’emporte "
        "sur demander, demander sur autoriser.",
    ),
    "no_rules": ("There are no rules.", "Il n’y a pas de règle."),
    "rule_matches_nothing": ("matches no tool now", "ne désigne aucun outil à présent"),
    "rule_is_unmatched": (
        "The rule {rule} matches no tool. Correct or remove it on the Tools page.",
        "La règle {rule} ne désigne aucun outil. Corrigez-la ou retirez-la sur la page Outils.",
    ),
    "remove_rule": ("Remove the rule {rule}", "Retirer la règle {rule}"),
    "server_pattern": ("Servers", "Serveurs"),
    "tool_pattern": ("Tools", "Outils"),
    "add_rule": ("Add the rule", "Ajouter la règle"),
    "foreign_text": (
        "This is a server of your own choice. Its names and descriptions are its own text: read them as you would "
        "a stranger’s.",
        "Ce serveur a été ajouté par vous. Ses noms et descriptions sont ses propres textes : lisez-les comme ceux "
        "d’un inconnu.",
    ),
    "unseen_how": (
        "{n} tools are new. Clients see none of them before you have looked at them here.",
        "{n} outils sont nouveaux. Les clients n’en voient aucun avant que vous les ayez regardés ici.",
    ),
    "accept_all": ("I have looked at all tools", "J’ai regardé tous les outils"),
    "no_tools": ("This server offers no tools.", "Ce serveur n’offre aucun outil."),
    "decision_now": ("now:", "à présent :"),
    "decision_for": ("Decision for {tool}", "Décision pour {tool}"),
    "changed_since": (
        "The definition of this tool has changed since it was looked at.",
        "La définition de cet outil a changé depuis qu’elle a été regardée.",
    ),
    "show_changes": ("Show what has changed", "Voir ce qui a changé"),
    "before": ("Before", "Avant"),
    "now": ("Now", "À présent"),
    "accept_change": ("Accept the new definition", "Accepter la nouvelle définition"),
    "definition": ("Definition", "Définition"),
    "arguments": ("Arguments", "Arguments"),
    "required": ("required", "obligatoire"),
    "done_saved": ("Saved.", "Enregistré."),
    "done_accepted": ("Noted: you have looked at it.", "Noté : vous l’avez regardé."),
    "done_rule_added": ("The rule counts from now on.", "La règle s’applique dès maintenant."),
    "done_rule_removed": ("The rule is removed.", "La règle est retirée."),
    # -- activity
    "outcome": ("Outcome", "Résultat"),
    "trace": ("Trace", "Trace"),
    "rows": ("Newest", "Derniers"),
    "filter": ("Show", "Afficher"),
    "no_filter": ("Show all", "Tout afficher"),
    "no_calls": ("No call has been logged yet.", "Aucun appel n’a encore été enregistré."),
    "no_calls_filtered": ("No call fits these filters.", "Aucun appel ne correspond à ces filtres."),
    "latency": ("How long calls took", "Durée des appels"),
    "latency_summary": (
        "{calls} calls. Half of them took at most {median}, 95 of 100 at most {slow}.",
        "{calls} appels. La moitié a duré au plus {median}, 95 sur 100 au plus {slow}.",
    ),
    "latency_alt": (
        "Each call by time and duration: {calls} calls, median {median}, 95 of 100 within {slow}.",
        "Chaque appel selon l’heure et la durée : {calls} appels, médiane {median}, 95 sur 100 en moins de {slow}.",
    ),
    "legend_ok": ("done", "fait"),
    "legend_failed": ("failed", "échoué"),
    "by_tool": ("By tool", "Par outil"),
    "calls": ("Calls", "Appels"),
    "failed": ("Failed", "Échecs"),
    "median": ("Median", "Médiane"),
    "share": ("Where the time went", "Où passe le temps"),
    "share_alt": (
        "Switchboard {gateway} %, server {server} %, vendor {vendor} %",
        "Switchboard {gateway} %, serveur {server} %, fournisseur {vendor} %",
    ),
    "share_gateway": ("Switchboard", "Switchboard"),
    "share_server": ("Server", "Serveur"),
    "share_vendor": ("Vendor", "Fournisseur"),
    "export": ("Export", "Exporter"),
    "era": ("Protocol", "Protocole"),
    "result": ("Result", "Réponse"),
    "outcome_ok": ("done", "fait"),
    "outcome_error": ("error", "erreur"),
    "outcome_asked": ("asked back", "question posée"),
    "outcome_denied": ("not allowed", "non autorisé"),
    "outcome_not_started": ("server not reached", "serveur injoignable"),
    "outcome_lost": ("may or may not be done", "fait ou non, on ne sait pas"),
    "outcome_timeout": ("took too long", "trop long"),
    "outcome_refused": ("wrong arguments", "arguments erronés"),
    "outcome_broken": ("answer unusable", "réponse inutilisable"),
    "outcome_cancelled": ("cancelled", "annulé"),
    # -- notes
    "notes_lead": (
        "What was wanted while a server could not be reached. A note can be replayed: its call is then made.",
        "Ce qui était voulu quand un serveur était injoignable. Une note peut être rejouée : son appel est alors fait.",
    ),
    "no_notes": (
        "There are no notes. A client saves one, with your agreement, when a server cannot be reached.",
        "Il n’y a pas de note. Un client en enregistre une, avec votre accord, quand un serveur est injoignable.",
    ),
    "note_open": ("open", "à faire"),
    "note_started": ("being replayed", "en cours"),
    "note_done": ("done", "fait"),
    "note_failed": ("failed", "échoué"),
    "saved_at": ("Saved", "Enregistrée"),
    "replayed_at": ("Replayed", "Rejouée"),
    "replay": ("Replay", "Rejouer"),
    "replay_again": ("Make the call once more", "Refaire l’appel"),
    "replay_twice": (
        "This call was made before. Make it again only if doing it twice does no harm.",
        "Cet appel a déjà été fait. Ne le refaites que si le faire deux fois ne nuit pas.",
    ),
    "replay_unclear": (
        "The call is under way, or was when the console ended: then nobody knows whether it was done. Look before "
        "you make it again. If it needs a yes, it waits among the approvals.",
        "L’appel est en cours, ou l’était quand la console s’est arrêtée : on ne sait alors pas s’il a été fait. "
        "Vérifiez avant de le refaire. S’il faut un accord, il attend parmi les approbations.",
    ),
    "not_replayable": (
        "Secrets among its arguments were masked, so it cannot be replayed. Make the call again in a client.",
        "Des secrets de ses arguments ont été masqués : elle ne peut être rejouée. Refaites l’appel dans un client.",
    ),
    "no_tool": (
        "It names no tool, so a person has to do what it says.",
        "Elle ne nomme aucun outil : à vous de faire ce qu’elle dit.",
    ),
    "delete": ("Delete", "Supprimer"),
    "delete_note": (
        "The note is a file; deleting it cannot be undone.",
        "La note est un fichier ; la suppression est définitive.",
    ),
    "done_note_deleted": ("The note is deleted.", "La note est supprimée."),
    "done_replay_begun": (
        "The call is being made. If it needs a yes, it waits among the approvals.",
        "L’appel est en cours. S’il faut un accord, il attend parmi les approbations.",
    ),
    # -- health
    "servers_running": ("servers running", "serveurs en marche"),
    "servers_failing": ("servers not reachable", "serveurs injoignables"),
    "log_rows": ("calls in the log", "appels dans le journal"),
    "log_size": ("size of the log", "taille du journal"),
    "log_unreadable": (
        "The log of calls cannot be read: {reason}. Move its file away; a new one is made.",
        "Le journal des appels est illisible : {reason}. Déplacez son fichier ; un nouveau sera créé.",
    ),
    "unreadable": (
        "A database of the state folder cannot be read: {reason}.",
        "Une base de données du dossier d’état est illisible : {reason}.",
    ),
    "problems": ("Problems of the settings", "Problèmes des réglages"),
    "no_problems": ("None.", "Aucun."),
    "tried_again": ("tried again in {seconds} s", "nouvel essai dans {seconds} s"),
    "own_process": (
        "This console runs beside the switchboards that your clients start. Which servers run now is known only to "
        "them.",
        "Cette console tourne à côté des switchboards que vos clients démarrent. Eux seuls savent quels serveurs "
        "sont en marche.",
    ),
    "versions": ("Versions and places", "Versions et emplacements"),
    "fact_flotilla": ("Flotilla", "Flotilla"),
    "fact_python": ("Python", "Python"),
    "fact_fastmcp": ("FastMCP", "FastMCP"),
    "fact_sqlite": ("SQLite", "SQLite"),
    "fact_state": ("State folder", "Dossier d’état"),
    "fact_settings": ("Settings file", "Fichier de réglages"),
    # -- settings
    "settings_lead": (
        "Each option counts as soon as it is saved. They stand in",
        "Chaque option s’applique dès qu’elle est enregistrée. Elles se trouvent dans",
    ),
    "settings_elsewhere": (
        "Rules and servers have pages of their own:",
        "Les règles et les serveurs ont leurs propres pages :",
    ),
    "default_is": ("Default: {value}", "Par défaut : {value}"),
    "default_empty": ("Default: empty", "Par défaut : vide"),
    "set_by_option": ("{value}, set on the command line", "{value}, fixé en ligne de commande"),
    "not_a_number": (
        "{name}: “{value}” is not a number that can stand here. Write it as 30, 1.5 or 100,000.",
        "{name} : « {value} » n’est pas un nombre possible ici. Écrivez-le comme 30, 1,5 ou 100 000.",
    ),
    "not_a_pair": (
        "{name}: “{value}” has no =. Write a pattern, =, and seconds in each line.",
        "{name} : « {value} » n’a pas de =. Écrivez sur chaque ligne un motif, =, et des secondes.",
    ),
    "group_general": ("General", "Général"),
    "group_defaults": ("Where no rule matches", "Sans règle"),
    "group_approvals": ("Approvals", "Approbations"),
    "group_time": ("Time", "Temps"),
    "group_search": ("Tool search", "Recherche d’outils"),
    "group_log": ("Log of calls", "Journal des appels"),
    "group_notes": ("Notes", "Notes"),
    "choice_true": ("yes", "oui"),
    "choice_false": ("no", "non"),
    "choice_on": ("on", "activé"),
    "choice_off": ("off", "désactivé"),
    "choice_auto": ("automatic", "automatique"),
    "choice_results": ("on, with results", "activé, avec les réponses"),
    "choice_en": ("English", "anglais"),
    "choice_fr": ("French", "français"),
    "choice_allow": ("allow", "autoriser"),
    "choice_ask": ("ask", "demander"),
    "choice_deny": ("deny", "interdire"),
    # -- tenants
    "tenants_lead": (
        "Each tenant is a customer with accounts, files and a log of its own. The token of its clients opens those "
        "alone.",
        "Chaque organisation a ses propres comptes, fichiers et journal. Le jeton de ses clients n’ouvre que ceux-là.",
    ),
    "no_tenants": ("There is no tenant yet.", "Il n’y a pas encore d’organisation."),
    "tenant_active": ("active", "active"),
    "tenant_suspended": ("suspended", "suspendue"),
    "servers_ready": ("servers with all their credentials", "serveurs qui ont tous leurs identifiants"),
    "calls_this_minute": ("Calls this minute: {n}", "Appels cette minute : {n}"),
    "tenant_never_called": ("no call in the log", "aucun appel dans le journal"),
    "calls_wait": ("Calls that wait for a yes: {n}", "Appels qui attendent un accord : {n}"),
    "create_tenant": ("Create a tenant", "Créer une organisation"),
    "create_tenant_how": (
        "What you leave empty comes from the template. The token is shown once, on the next page.",
        "Ce que vous laissez vide vient du modèle. Le jeton est affiché une fois, sur la page suivante.",
    ),
    "tenant_name": ("Name (small letters, digits, -)", "Nom (minuscules, chiffres, -)"),
    "tenant_locale": ("Language, perhaps with a country", "Langue, avec un pays si vous voulez"),
    "tenant_timezone": ("Time zone", "Fuseau horaire"),
    "tenant_servers": ("Servers", "Serveurs"),
    "tenant_servers_how": (
        "Without a choice: those that have all the credentials they need. A server offers its usual tools, or all of "
        "them.",
        "Sans choix : ceux qui ont tous les identifiants nécessaires. Un serveur offre ses outils habituels, ou tous.",
    ),
    "unknown_server": (
        "The catalog has no server {name}. Choose among those of the list.",
        "Le catalogue n’a pas de serveur {name}. Choisissez parmi ceux de la liste.",
    ),
    "all_tools": ("all tools", "tous les outils"),
    "all_tools_of": ("All tools of {name}", "Tous les outils de {name}"),
    "tenant_limits": ("Limits (0: none)", "Limites (0 : aucune)"),
    "limit_calls_per_minute": ("Calls a minute", "Appels par minute"),
    "limit_calls_in_flight": ("Calls at the same time", "Appels en même temps"),
    "limit_data_megabytes": ("Files, in MB", "Fichiers, en Mo"),
    "accounts": ("Accounts", "Comptes"),
    "no_accounts": ("There is none yet.", "Il n’y en a pas encore."),
    "connected_since": ("connected by a link", "connecté par un lien"),
    "account_works": ("ready", "prêt"),
    "account_ended": (
        "its vendor gives no more access: send a new link",
        "son fournisseur ne donne plus accès : envoyez un nouveau lien",
    ),
    "account_incomplete": (
        "not connected: credentials are missing",
        "non connecté : il manque des identifiants",
    ),
    "account_name": ("Name, for a further account only", "Nom, pour un compte de plus seulement"),
    "account_name_example": ("paris", "paris"),
    "account_name_how": (
        "Leave it empty for the first account of a server. A further one gets a name, by which the agent chooses it; a "
        "link for a name that there is replaces that account.",
        "Laissez vide pour le premier compte d’un serveur. Un compte de plus reçoit un nom, par lequel l’agent le "
        "choisit ; un lien pour un nom existant remplace ce compte.",
    ),
    "connect_how": (
        "A link lets the customer connect an account of one server, without an account here. It works once, and is "
        "shown once.",
        "Un lien permet de connecter un compte d’un serveur, sans compte ici. Il vaut une fois, et est affiché une "
        "fois.",
    ),
    "make_link": ("Make a link", "Créer un lien"),
    "link_for": ("A link to connect {title}", "Un lien pour connecter {title}"),
    "link_copied": ("I have copied it: go on", "Je l’ai copié : continuer"),
    "link_once": (
        "Send this link to the customer. It works once, for {hours} hours, and no page shows it again.",
        "Envoyez ce lien à la personne concernée. Il vaut une fois, pendant {hours} heures, et aucune page ne "
        "l’affichera plus.",
    ),
    "credentials": ("Credentials", "Identifiants"),
    "credentials_how": (
        "Their values are sealed, and no page shows them. `scripts/flotilla tenant import {name} FILE` saves some.",
        "Leurs valeurs sont scellées, et aucune page ne les affiche. `scripts/flotilla tenant import {name} FICHIER` "
        "en enregistre.",
    ),
    "no_credentials": ("There are none yet.", "Il n’y en a pas encore."),
    "credential_version": ("version {n}, saved", "version {n}, enregistrée"),
    "client_token": ("Token of its clients", "Jeton de ses clients"),
    "token_made": ("Made:", "Créé :"),
    "tokens_older": ("Older tokens that still work: {n}.", "Anciens jetons encore valables : {n}."),
    "rotate_token": ("Make a new token", "Créer un nouveau jeton"),
    "keep_old_token": (
        "The old one works until the next rotation; otherwise it ends at once",
        "L’ancien reste valable jusqu’au prochain changement ; sinon il cesse aussitôt",
    ),
    "suspend": ("Suspend", "Suspendre"),
    "suspend_how": ("Its clients are refused; nothing is lost.", "Ses clients sont refusés ; rien n’est perdu."),
    "resume": ("Resume", "Reprendre"),
    "resume_how": ("Its clients are refused now.", "Ses clients sont refusés à présent."),
    "delete_tenant": ("Delete this tenant", "Supprimer cette organisation"),
    "delete_tenant_how": (
        "Keys, credentials, tokens, files, state and log are deleted for good. Type {name} to confirm.",
        "Clés, identifiants, jetons, fichiers, état et journal sont supprimés pour toujours. Tapez {name} pour "
        "confirmer.",
    ),
    "name_again": ("Its name", "Son nom"),
    "name_not_typed": (
        "Nothing was deleted: what was typed is not the name {name}. Type it exactly.",
        "Rien n’a été supprimé : ce qui a été tapé n’est pas le nom {name}. Tapez-le exactement.",
    ),
    "tenant_created": ("{name} is there", "{name} est créée"),
    "token_made_for": ("A new token of {name}", "Un nouveau jeton de {name}"),
    "token_once": (
        "Copy the token now: it is not kept, and no page shows it again. The client sends it as "
        "“Authorization: Bearer”, followed by the token.",
        "Copiez le jeton maintenant : il n’est pas conservé, et aucune page ne l’affichera plus. Le client l’envoie "
        "ainsi : « Authorization: Bearer », puis le jeton.",
    ),
    "token_copied": ("I have copied it: go on to {name}", "Je l’ai copié : continuer vers {name}"),
    "done_tenant_saved": (
        "Saved. It holds from the next request of its clients on.",
        "Enregistré. Cela vaut dès la prochaine requête de ses clients.",
    ),
    "done_tenant_suspended": ("Suspended: its clients are refused.", "Suspendue : ses clients sont refusés."),
    "done_tenant_resumed": ("Its clients are served again.", "Ses clients sont de nouveau servis."),
    "done_tenant_deleted": ("The tenant is deleted.", "L’organisation est supprimée."),
    "choice_client": ("the client, where it can ask", "le client, s’il sait demander"),
    "choice_console": ("this console only", "cette console seulement"),
}

ERRORS_FR = {  # why forms about tenants are refused, as regular expressions
    r"`(.*)` cannot be the name of a tenant\. Use small letters.*": (
        "`{}` ne peut être le nom d’une organisation. Utilisez minuscules, chiffres et traits d’union, en commençant "
        "par une lettre : 40 au plus."
    ),
    r"There is a tenant `(.*)` already\. Choose another name\.": (
        "Il y a déjà une organisation `{}`. Choisissez un autre nom."
    ),
    r"`(.*)` cannot be the name of an account\. .*": (
        "`{}` ne peut être le nom d’un compte. Utilisez minuscules, chiffres et traits d’union, en commençant par une "
        "lettre : 20 au plus, et pas `main`."
    ),
    r"`(.*)` is not a locale\. Use en or fr.*": (
        "`{}` n’est pas une langue possible. Utilisez en ou fr, avec un pays si vous voulez : fr-FR."
    ),
    r"`(.*)` is not a time zone\. Use a name.*": (
        "`{}` n’est pas un fuseau horaire. Utilisez un nom comme Europe/Paris."
    ),
}

OPTIONS_FR: dict[str, str] = {  # the schema's descriptions of options, by dotted name
    "language": "Langue des phrases destinées à une personne.",
    "defaults": "Ce qui vaut quand aucune règle ne s’applique.",
    "defaults.read": "Pour les outils qui ne font que lire.",
    "defaults.write": "Pour les outils qui créent ou modifient ; demander : une fois par outil.",
    "defaults.destroy": (
        "Pour les outils qui suppriment, écrasent ou ne peuvent être annulés ; demander : à chaque fois."
    ),
    "approvals": "Comment une personne est sollicitée.",
    "approvals.ask": "Qui est sollicité : le client s’il sait demander, ou la console seulement.",
    "approvals.by_token": "Si un client qui ne sait pas demander peut transmettre un accord avec `approve_call`.",
    "approvals.wait_seconds": "Secondes pendant lesquelles un appel attend un accord dans une console ouverte.",
    "time": "Combien de temps les appels peuvent durer.",
    "time.limit_seconds": "Limite d’un appel, en secondes.",
    "time.tools": "Limites d’outils particuliers : un motif de noms d’outils et des secondes par ligne.",
    "time.say_after_seconds": "Un client qui suit la progression reçoit une phrase après ce temps ; 0 : jamais.",
    "search": "Quatre outils qui cherchent et appellent tous les autres, à leur place.",
    "search.mode": "Automatique : quand il y a plus de 40 outils.",
    "search.embeddings_url": "Adresse d’une API de plongements au format d’OpenAI ; vide : les mots seuls.",
    "search.embeddings_model": "Modèle de cette API.",
    "log": "Le journal des appels.",
    "log.mode": "Avec les réponses : elles sont gardées aussi.",
    "log.days": "Jours pendant lesquels une ligne est gardée.",
    "log.rows": "Lignes gardées.",
    "notes": "Notes.",
    "notes.on": "Si l’outil `note_save` est offert.",
}


REASONS_FR = {  # the reasons of `permissions`, as regular expressions
    "default for tools that read": "réglage par défaut des outils qui lisent",
    "default for tools that write": "réglage par défaut des outils qui modifient",
    "default for tools that destroy": "réglage par défaut des outils qui suppriment",
    "rule (.*)": "règle {}",
    "decision of (.*)": "décision de {}",
    "its definition has changed": "sa définition a changé",
    "nobody has looked at this server's tools yet": "personne n’a encore regardé les outils de ce serveur",
}


@dataclass(frozen=True)
class Translations:
    """The texts of a table in one language."""

    table: ClassVar[Mapping[str, tuple[str, str]]]  # by key: English, French
    language: str

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its values filled in. Raises KeyError for an unknown key."""
        text = self.table[key][LANGUAGES.index(self.language)]
        return text.format(**values) if values else text


@dataclass(frozen=True)
class Texts(Translations):
    """The console's texts in one language."""

    table = TEXTS

    def named(self, kind: str, value: str) -> str:
        """Return what people call a value, as `outcome_ok`; the value itself where it has no name here."""
        return self(f"{kind}_{value}") if f"{kind}_{value}" in TEXTS else value

    def reason(self, reason: str) -> str:
        """Return why a decision counts; `reason` is that of `permissions`, which is English."""
        return self._translated(reason, REASONS_FR)

    def error(self, error: str) -> str:
        """Return why a form about a tenant was refused; `error` is that of `tenants`, which is English."""
        return self._translated(error, ERRORS_FR)

    def _translated(self, text: str, patterns: Mapping[str, str]) -> str:
        for pattern, french in patterns.items() if self.language == "fr" else ():
            if match := re.fullmatch(pattern, text):
                return french.format(*match.groups())
        return text

    def option(self, name: str, description: str) -> str:
        """Return what an option does; `description` is the schema's, which is English."""
        return OPTIONS_FR.get(name, description) if self.language == "fr" else description


def language_of(wish: str, accepted: str) -> str:
    """Return en or fr: the person's wish, else the first of an Accept-Language header that is one of them."""
    if wish in LANGUAGES:
        return wish
    weighed = []
    for number, part in enumerate(accepted.split(",")):
        name, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), number, name.strip().lower()[:2]))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(weighed) if name in LANGUAGES), "en")
