"""What the pages say, in English and French. What servers and vendors wrote is never translated."""

from __future__ import annotations

from dataclasses import dataclass

from ..console.texts import LANGUAGES, Translations

TEXTS: dict[str, tuple[str, str]] = {  # key: English, French
    "other_language": ("Français", "English"),
    "connect": ("Connect {title}", "Connecter {title}"),
    "for_whom": (
        "{tenant} asks for access to your {title} account.",
        "{tenant} demande l’accès à votre compte {title}.",
    ),
    "login_lead": (
        "You log in at {host} and agree there; this page never sees your password.",
        "Vous vous connectez chez {host} et y donnez votre accord ; cette page ne voit jamais votre mot de passe.",
    ),
    "part_lead": (
        "{title} has an address of its own for each account. Say which one is yours, then log in there.",
        "{title} a une adresse propre à chaque compte. Indiquez la vôtre, puis connectez-vous-y.",
    ),
    "wrong_part": (
        "{label} is not one of theirs. Copy it from the address that you see there.",
        "{label} : ce n’est pas une des leurs. Copiez-la de l’adresse que vous y voyez.",
    ),
    "go_on": ("Go on", "Continuer"),
    "log_in": ("Log in at {host}", "Se connecter chez {host}"),
    "asked_for": ("What is asked for", "Ce qui est demandé"),
    "login_failed": (
        "Nothing was connected: {title} did not confirm the login, or you did not agree. You can try again.",
        "Rien n’a été connecté : {title} n’a pas confirmé la connexion, ou vous n’avez pas donné votre accord. Vous "
        "pouvez réessayer.",
    ),
    "login_ended": ("This login has ended", "Cette connexion a pris fin"),
    "login_ended_why": (
        "It took more than 15 minutes, was begun again, or began in another browser. Open the link that you were sent "
        "once more, and log in again.",
        "Elle a duré plus de 15 minutes, a été recommencée ou a commencé dans un autre navigateur. Ouvrez de nouveau "
        "le lien que vous avez reçu, et reconnectez-vous.",
    ),
    "not_agreed": (
        "You did not agree to everything, so these tools will not work: {tools}.",
        "Vous n’avez pas tout accepté : ces outils ne fonctionneront pas : {tools}.",
    ),
    "forms_lead": (
        "What you enter is tried at once, and kept encrypted.",
        "Ce que vous saisissez est essayé aussitôt, puis conservé chiffré.",
    ),
    "forms_instead": ("Enter keys instead", "Saisir plutôt des clés"),
    "option": ("Option {number}", "Option {number}"),
    "example": ("For example {example}", "Par exemple {example}"),
    "if_needed": ("if needed", "si nécessaire"),
    "try": ("Try and connect", "Essayer et connecter"),
    "once": (
        "This link works once. Nothing is kept unless the account answers.",
        "Ce lien ne sert qu’une fois. Rien n’est conservé si le compte ne répond pas.",
    ),
    "connected": ("{title} is connected.", "{title} est connecté."),
    "connected_as": ("Connected as {account}.", "Connecté en tant que {account}."),
    "close": (
        "You can close this page. {tenant} can work with the account from now on.",
        "Vous pouvez fermer cette page. {tenant} peut travailler avec ce compte dès maintenant.",
    ),
    "gone": ("This link does not work any more", "Ce lien ne fonctionne plus"),
    "gone_why": (
        "It was used, has ended, or is not complete. Ask whoever sent it for a new one.",
        "Il a servi, a expiré ou est incomplet. Demandez-en un nouveau à la personne qui l’a envoyé.",
    ),
    "unavailable": ("This cannot be done at the moment", "Ce n’est pas possible pour le moment"),
    "unavailable_why": (
        "Nothing was kept. Try again in a minute, or tell whoever sent you the link.",
        "Rien n’a été conservé. Réessayez dans une minute, ou prévenez la personne qui a envoyé le lien.",
    ),
    "nothing_to_enter": (
        "This account cannot be connected here. Tell whoever sent you the link.",
        "Ce compte ne peut pas être connecté ici. Prévenez la personne qui a envoyé le lien.",
    ),
    "incomplete": ("Fill in every field of one option.", "Remplissez chaque champ d’une des options."),
    "one_line": (
        "{label} must be one line of at most 5,000 characters. Copy it again.",
        "{label} doit tenir sur une ligne de 5 000 caractères au plus. Copiez-le de nouveau.",
    ),
    "private_address": (
        "{label} leads to an address that cannot be reached from outside. Enter the public one.",
        "{label} mène à une adresse inaccessible de l’extérieur. Saisissez l’adresse publique.",
    ),
    "busy": (
        "Another attempt with this link is under way. Wait until it has ended.",
        "Un autre essai avec ce lien est en cours. Attendez qu’il se termine.",
    ),
    "refused": (
        "{title} did not accept this, so nothing was kept: {reason}",
        "{title} ne l’a pas accepté, rien n’a été conservé : {reason}",
    ),
    "elsewhere": (
        "This form was not sent by this page. Open the link anew.",
        "Ce formulaire n’a pas été envoyé par cette page. Ouvrez de nouveau le lien.",
    ),
}


@dataclass(frozen=True)
class Texts(Translations):
    """The texts of the links' pages in one language."""

    table = TEXTS

    @property
    def other(self) -> str:
        """The other language."""
        return next(name for name in LANGUAGES if name != self.language)
