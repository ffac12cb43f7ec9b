using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Settlement.Engine.Journal;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;

namespace Settlement.Gateway.Http.Webhooks;

/// <summary>The webhooks, and the file that they are kept in.</summary>
/// <remarks>
/// Invariant: the file is whole at any moment (written beside it, made durable, renamed), readable by its owner alone, because it holds secrets; and it never is ahead
/// of what was delivered. A crash between a delivery and its note delivers once more: at least once.
/// Failure assumed: the file cannot be written. Then deliveries go on, the log says so, and after a restart they are repeated.
/// </remarks>
internal sealed class WebhookBook
{
    public const int WebhooksMax = 256;
    public const int WebhooksOfOneMax = 16;
    public const int DeadLettersMax = 1_000;

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly ILogger _log;
    private readonly SortedDictionary<string, KeptWebhook> _hooks = new(StringComparer.Ordinal); // under the lock

    private WebhookBook(string path, ILogger log) => (_path, _log) = (path, log);

    /// <summary>Told what was added or deleted; set once, before requests come.</summary>
    public Action<string>? Added { get; set; }

    public Action<string>? Deleted { get; set; }

    /// <exception cref="InvalidDataException">The file is no such file; says what to do.</exception>
    public static WebhookBook Open(string path, ILogger log)
    {
        var book = new WebhookBook(path, log);
        if (!File.Exists(path))
            return book;
        try
        {
            WebhookState? state = JsonSerializer.Deserialize(File.ReadAllBytes(path), HttpJson.Default.WebhookState);
            if (state is not { Format: 1 })
                throw new InvalidDataException($"'{path}' holds no webhooks of format 1. Use the program version that wrote it, or move the file away and make the webhooks again.");
            foreach (KeptWebhook hook in state.Webhooks)
                book._hooks.Add(hook.Id, hook);
            return book;
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException($"'{path}' does not read as webhooks ({broken.Message.Split(" Path:", 2)[0]}). Put back a copy, or move the file away and make the webhooks again.", broken);
        }
    }

    public IReadOnlyList<KeptWebhook> All()
    {
        lock (_lock)
            return [.. _hooks.Values];
    }

    public KeptWebhook? Find(string id)
    {
        lock (_lock)
            return _hooks.GetValueOrDefault(id);
    }

    /// <exception cref="ProblemException">There are too many.</exception>
    public void Add(KeptWebhook hook)
    {
        lock (_lock)
        {
            if (_hooks.Count >= WebhooksMax || _hooks.Values.Count(other => other.Participant == hook.Participant) >= WebhooksOfOneMax)
                throw Problem.Invalid($"There are as many webhooks as can be: {WebhooksOfOneMax} a participant, {WebhooksMax} in all. Delete one first.");
            _hooks.Add(hook.Id, hook);
            try
            {
                Keep();
            }
            catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
            {
                _hooks.Remove(hook.Id);
                HttpLog.NotKept(_log, _path, unwritable);
                throw Problem.Missing("The webhook cannot be kept: the server's disk does not take it, and its log says why. Try again later.");
            }
        }

        Added?.Invoke(hook.Id);
    }

    public void Delete(string id)
    {
        lock (_lock)
        {
            if (_hooks.Remove(id))
                TryKeep();
        }

        Deleted?.Invoke(id);
    }

    /// <summary>Changes what is kept of a webhook, if it is still there.</summary>
    public KeptWebhook? Change(string id, Func<KeptWebhook, KeptWebhook> change)
    {
        lock (_lock)
        {
            if (!_hooks.TryGetValue(id, out KeptWebhook? hook))
                return null;
            KeptWebhook changed = change(hook);
            _hooks[id] = changed;
            TryKeep();
            return changed;
        }
    }

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    public static string NewSecret() => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private void TryKeep()
    {
        try
        {
            Keep();
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            HttpLog.NotKept(_log, _path, unwritable);
        }
    }

    private void Keep()
    {
        string unfinished = _path + ".new";
        File.Delete(unfinished);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(unfinished, options))
        {
            JsonSerializer.Serialize(file, new WebhookState { Webhooks = [.. _hooks.Values] }, HttpJson.Default.WebhookState);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, _path, overwrite: true);
        if (OperatingSystem.IsLinux() && new LinuxFileCalls().SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!) is < 0 and int failed)
            throw new IOException($"The directory of '{_path}' cannot be made durable: error {Exact.Of(-failed)}.");
    }
}
