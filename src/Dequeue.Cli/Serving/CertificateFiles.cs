using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dequeue.Functions.Configuration;

namespace Dequeue.Cli.Serving;

/// <summary>
/// A server's certificate in files: PEM (the chain behind it; its key behind that, or in a file of its own) or PFX. Read again once they
/// have changed, so that a renewed one needs no new start; until the new files are whole, the old certificate stays.
/// </summary>
internal sealed class CertificateFiles
{
    /// <summary>A file is looked at so often at most.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    private readonly string _file;
    private readonly string? _keyFile;
    private readonly string? _passwordFile;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private SslStreamCertificateContext _current;
    private DateTime _changedAt;
    private long _lookedAt;

    private CertificateFiles(string file, string? keyFile, string? passwordFile, TimeProvider clock)
    {
        (_file, _keyFile, _passwordFile, _clock) = (file, keyFile, passwordFile, clock);
        (_changedAt, _lookedAt) = (ChangedAt(), clock.GetTimestamp());
        _current = Read();
    }

    /// <summary>Opens the files.</summary>
    /// <param name="file">The certificate.</param>
    /// <param name="keyFile">Its key, in PEM; null when it is in <paramref name="file"/>.</param>
    /// <param name="passwordFile">A file with the password of the key or the PFX; null when it has none.</param>
    /// <param name="clock">Measures how long ago the files were looked at.</param>
    /// <exception cref="SettingsException">They hold no certificate that a server can use; the message says why.</exception>
    public static CertificateFiles Open(string file, string? keyFile, string? passwordFile, TimeProvider clock)
    {
        try
        {
            return new CertificateFiles(file, keyFile, passwordFile, clock);
        }
        catch (Exception unusable) when (IsUnusable(unusable))
        {
            throw new SettingsException($"The certificate {file} cannot be used: {Why(unusable)}");
        }
    }

    /// <summary>The certificate as it is now.</summary>
    public SslStreamCertificateContext Current()
    {
        lock (_gate)
        {
            if (_clock.GetElapsedTime(_lookedAt) < Freshness) return _current;
            _lookedAt = _clock.GetTimestamp();
            try
            {
                if (ChangedAt() is var changed && changed != _changedAt) (_current, _changedAt) = (Read(), changed);
            }
            catch (Exception unusable) when (IsUnusable(unusable))
            {
                // Half written, perhaps.
            }

            return _current;
        }
    }

    private static bool IsUnusable(Exception failure)
        => failure is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException or SettingsException;

    private static string Why(Exception failure) => failure is ArgumentException ? "the key is another certificate's." : failure.Message;

    private DateTime ChangedAt()
        => new[] { _file, _keyFile, _passwordFile }.OfType<string>().Max(static file => File.GetLastWriteTimeUtc(file));

    private SslStreamCertificateContext Read()
    {
        var password = _passwordFile is null ? null : File.ReadAllText(_passwordFile).TrimEnd('\r', '\n');
        var all = new X509Certificate2Collection();
        X509Certificate2 own;
        if (IsPem(_file))
        {
            var key = File.ReadAllText(_keyFile ?? _file);
            if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
                throw new SettingsException("it has no private key: name its file with --certificate-key.");
            if (password is null && key.Contains("ENCRYPTED", StringComparison.Ordinal))
                throw new SettingsException("its key has a password: name the file that holds it with --certificate-password-file.");
            var text = File.ReadAllText(_file);
            own = password is null ? X509Certificate2.CreateFromPem(text, key) : ReadEncrypted(text, key, password);
            all.ImportFromPem(text);
        }
        else
        {
            all = ReadPfx(password);
            own = all.FirstOrDefault(static certificate => certificate.HasPrivateKey) ?? throw new SettingsException("it has no private key.");
        }

        // Windows takes no key that is in memory alone.
        if (OperatingSystem.IsWindows()) own = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pfx), null);
        X509Certificate2Collection chain = [.. all.Where(certificate => certificate.Thumbprint != own.Thumbprint)];
        return SslStreamCertificateContext.Create(own, chain, offline: true);
    }

    private static X509Certificate2 ReadEncrypted(string text, string key, string password)
    {
        try
        {
            return X509Certificate2.CreateFromEncryptedPem(text, key, password);
        }
        catch (CryptographicException)
        {
            throw new SettingsException("its key cannot be opened with this password.");
        }
    }

    private X509Certificate2Collection ReadPfx(string? password)
    {
        try
        {
            return X509CertificateLoader.LoadPkcs12CollectionFromFile(_file, password);
        }
        catch (CryptographicException)
        {
            throw new SettingsException($"it is neither PEM nor a PFX {(password is null ? "without a password" : "that this password opens")}.");
        }
    }

    private static bool IsPem(string file)
    {
        var start = new byte[16_384];
        using var stream = File.OpenRead(file);
        return start.AsSpan(0, stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)).IndexOf("-----BEGIN "u8) >= 0;
    }
}
