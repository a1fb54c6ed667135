namespace Dequeue.SampleEvents;

/// <summary>The words of a plausible life: titles that repeat themselves as much as real ones do.</summary>
internal static class Vocabulary
{
    private static readonly string[] Verbs =
    [
        "Call", "Email", "Review", "Draft", "Plan", "Book", "Buy", "Fix", "Update", "Prepare", "Schedule", "Clean up", "Ask about",
        "Follow up on", "Read", "Write", "Send", "Pick up", "Cancel", "Renew", "Test", "Ship", "Sketch", "Sort out",
    ];

    private static readonly string[] Objects =
    [
        "the quarterly report", "groceries", "flights to Zürich", "the dentist", "team offsite", "release notes", "the landing page",
        "insurance papers", "Mia's birthday present", "the backup drive", "kitchen lights", "the budget sheet", "sync tests",
        "onboarding guide", "customer interviews", "the lease", "car inspection", "photo album", "the migration plan", "invoice 2043",
        "garden beds", "résumé", "the design mock-ups", "tax return", "running shoes", "piano lesson", "the retro", "passport",
        "API keys", "the reading list", "bike repair", "dinner with Jun", "the demo script", "pull request", "vet appointment",
    ];

    private static readonly string[] Qualifiers =
    [
        "before Friday", "for Anna", "this week", "with the team", "again", "(second try)", "for the launch", "after lunch", "☕", "at home",
    ];

    private static readonly string[] Sentences =
    [
        "See the notes from Monday.", "Needs a decision first.", "Waiting for an answer.", "Check the numbers twice before sending.",
        "Take the earlier train if possible.", "Keep it under one page.", "Anna has the latest version.", "Two hours at most.",
        "Link is in the shared folder.", "Ask whether the old one can be returned.", "Start with the part everyone sees.",
    ];

    private static readonly string[] Areas =
    [
        "Work", "Home", "Launch", "Health", "Family", "Finances", "Travel", "Garden", "Reading", "Side project", "Inbox", "Move to Köln",
    ];

    private static readonly string[] Tags =
    [
        "Urgent", "Waiting", "Errand", "Deep work", "Low energy", "Phone", "Computer", "Someday", "Weekly", "Family", "Café",
    ];

    public static string TaskTitle(SeededRandom random)
    {
        var title = $"{random.Pick(Verbs)} {random.Pick(Objects)}";
        return random.Chance(25) ? $"{title} {random.Pick(Qualifiers)}" : title;
    }

    public static string StackTitle(SeededRandom random)
        => random.Chance(40) ? $"{random.Pick(Areas)}: {random.Pick(Objects)}" : $"{random.Pick(Areas)} {random.Pick(Qualifiers)}";

    public static string ArcTitle(SeededRandom random) => $"{random.Pick(Areas)} {2026 + random.Below(2)}";

    public static string TagName(SeededRandom random) => random.Pick(Tags);

    public static string Description(SeededRandom random)
        => random.Chance(40) ? $"{random.Pick(Sentences)} {random.Pick(Sentences)}" : random.Pick(Sentences);
}
