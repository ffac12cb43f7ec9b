using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>
/// The distribution's libz3, through the few calls of its C interface that take SMT-LIB text.
/// </summary>
/// <remarks>
/// Memory: `memory_max_size` of this library ends the whole process (exit code 101) when it is passed, so it is not set. `memory_high_watermark` makes a search above it give
/// up ("memout"), and what a search is given is bounded by <see cref="TermBank.TermsMax"/>.
/// The library's own handler of errors ends the process, too: each context gets none, and errors come back as text.
/// </remarks>
internal sealed class Z3Library
{
    /// <summary>A search that has taken so much in all gives up.</summary>
    public const uint MemoryBytesMax = 1 << 30;

    /// <summary>Under which names the library is looked for.</summary>
    public static readonly IReadOnlyList<string> Names = OperatingSystem.IsWindows() ? ["libz3.dll"] : OperatingSystem.IsMacOS() ? ["libz3.dylib"] : ["libz3.so.4", "libz3.so"];

    private static readonly Lazy<Z3Library?> s_loaded = new(() => Load(Names));

    private readonly MakeConfig _makeConfig;
    private readonly MakeContext _makeContext;
    private readonly WithContext _deleteContext;
    private readonly WithConfig _deleteConfig;
    private readonly WithContext _interrupt;
    private readonly SetErrorHandler _setErrorHandler;
    private readonly Evaluate _evaluate;

    private Z3Library(nint handle)
    {
        _makeConfig = Call<MakeConfig>(handle, "Z3_mk_config");
        _makeContext = Call<MakeContext>(handle, "Z3_mk_context");
        _deleteContext = Call<WithContext>(handle, "Z3_del_context");
        _deleteConfig = Call<WithConfig>(handle, "Z3_del_config");
        _interrupt = Call<WithContext>(handle, "Z3_interrupt");
        _setErrorHandler = Call<SetErrorHandler>(handle, "Z3_set_error_handler");
        _evaluate = Call<Evaluate>(handle, "Z3_eval_smtlib2_string");
        Call<SetParameter>(handle, "Z3_global_param_set")("memory_high_watermark", MemoryBytesMax.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint MakeConfig();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint MakeContext(nint config);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void WithContext(nint context);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void WithConfig(nint config);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetErrorHandler(nint context, nint handler);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetParameter([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Evaluate(nint context, [MarshalAs(UnmanagedType.LPUTF8Str)] string commands);

    /// <summary>The library of this machine; null: it has none.</summary>
    public static Z3Library? Installed => s_loaded.Value;

    /// <summary>What to do where there is none.</summary>
    public const string InstallHint = "install the library libz3 (Debian and Ubuntu: apt-get install libz3-4)";

    internal static Z3Library? Load(IReadOnlyList<string> names)
    {
        foreach (string name in names)
            if (NativeLibrary.TryLoad(name, out nint handle))
            {
                if (NativeLibrary.TryGetExport(handle, "Z3_eval_smtlib2_string", out _))
                    return new Z3Library(handle);
                NativeLibrary.Free(handle);
            }
        return null;
    }

    public nint CreateContext()
    {
        nint config = _makeConfig();
        nint context = _makeContext(config);
        _deleteConfig(config);
        _setErrorHandler(context, 0);
        return context;
    }

    public void Delete(nint context) => _deleteContext(context);

    /// <summary>Makes a running evaluation of another thread give up soon.</summary>
    public void Interrupt(nint context) => _interrupt(context);

    /// <summary>Carries out SMT-LIB commands; returns what they print.</summary>
    public string Run(nint context, string commands) => Marshal.PtrToStringUTF8(_evaluate(context, commands)) ?? "";

    [UnconditionalSuppressMessage("Aot", "IL3050", Justification = "The program is not compiled ahead of time.")]
    private static T Call<T>(nint handle, string name) where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(handle, name));
}
