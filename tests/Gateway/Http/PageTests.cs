using Microsoft.Playwright;

namespace Settlement.Tests.Gateway.Http;

/// <summary>The page at / in a real browser: the distribution's Chromium, without a network but the server.</summary>
public sealed class PageTests
{
    private static readonly string[] s_places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private HttpLedger _ledger;
    private IPlaywright _playwright;
    private IBrowser _browser;
    private IPage _page;
    private readonly List<string> _faults = [];
    private readonly List<string> _asked = [];

    [OneTimeSetUp]
    public async Task OpenAsync()
    {
        string? chromium = Environment.GetEnvironmentVariable("SETTLEMENT_CHROMIUM") is { Length: > 0 } named ? named : s_places.FirstOrDefault(File.Exists);
        if (chromium is null)
            Assert.Ignore("There is no Chromium on this machine: apt-get install chromium, or name one by SETTLEMENT_CHROMIUM.");
        _ledger = new HttpLedger().SetUp();
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = chromium, Args = ["--no-sandbox", "--disable-dev-shm-usage"], Timeout = 120_000 });
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        _ledger?.Dispose();
    }

    [SetUp]
    public async Task LoadAsync()
    {
        _faults.Clear();
        _asked.Clear();
        _page = await _browser.NewPageAsync();
        _page.SetDefaultTimeout(60_000);
        _page.PageError += (_, fault) => _faults.Add(fault);
        _page.Console += (_, line) =>
        {
            if (line.Type == "error" && !line.Text.Contains("status of 4", StringComparison.Ordinal))
                _faults.Add(line.Text);
        };
        _page.Request += (_, request) => _asked.Add(request.Url);
        await _page.GotoAsync(_ledger.Address.ToString());
    }

    [TearDown]
    public async Task UnloadAsync()
    {
        await _page.CloseAsync();
        Assert.That(_faults, Is.Empty);
        Assert.That(_asked.Where(url => !url.StartsWith(_ledger.Address.ToString(), StringComparison.Ordinal) && !url.StartsWith("data:", StringComparison.Ordinal)), Is.Empty, "nothing but the server is asked for anything");
    }

    [Test]
    public async Task It_lists_what_the_description_has_and_finds_in_it()
    {
        await _page.GetByText("/v1/rules/may", new() { Exact = true }).WaitForAsync();
        int all = await _page.Locator("details:visible").CountAsync();
        Assert.That(all, Is.GreaterThan(25));
        await _page.GetByLabel("Find").FillAsync("webhook delete");
        Assert.That(await _page.Locator("details:visible").CountAsync(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_stranger_asks_whether_one_may_pay()
    {
        ILocator may = _page.Locator("details", new() { HasText = "/v1/rules/may" }).First;
        await may.Locator("summary").ClickAsync();
        await may.GetByLabel("amount").FillAsync("400 EUR");
        await may.GetByRole(AriaRole.Button, new() { Name = "Send GET" }).ClickAsync();
        await may.GetByText("Status 200").WaitForAsync();
        Assert.That(await may.Locator("pre").InnerTextAsync(), Does.Contain("\"answer\": \"yes\""));
    }

    [Test]
    public async Task With_a_token_one_pays_and_sees_the_batch_close()
    {
        await UseAsync(_ledger.Token(1));
        await _page.GetByText("Live.").WaitForAsync();
        ILocator pay = _page.Locator("details", new() { Has = _page.GetByText("Decides one payment") }).First;
        await pay.Locator("summary").ClickAsync();
        await pay.GetByRole(AriaRole.Button, new() { Name = "Send POST" }).ClickAsync();
        await pay.GetByText("Status 201").WaitForAsync();
        Assert.That(await pay.Locator("pre").InnerTextAsync(), Does.Contain("\"verdict\": \"accepted\""));
        HttpLedger.Accept(_ledger.Post(1, "/v1/batches/close", null));
        ILocator row = _page.Locator("#batches tr").First;
        await row.WaitForAsync();
        Assert.That(await row.InnerTextAsync(), Does.Contain("bank one -1.25 EUR").And.Contain("bank two 1.25 EUR"));
    }

    [Test]
    public async Task A_token_that_does_not_hold_is_said_to_be_none()
    {
        await UseAsync("not.a.token");
        await _page.GetByText("The token opens no session here").WaitForAsync();
    }

    [Test]
    public async Task Everything_is_reached_by_keyboard_and_named()
    {
        await _page.GetByText("/v1/ledger", new() { Exact = true }).WaitForAsync();
        string[] nameless = await _page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll("input, textarea, button")]
              .filter(one => !(one.textContent.trim() || (one.labels && one.labels.length) || one.getAttribute("aria-label"))).map(one => one.outerHTML)
            """);
        Assert.That(nameless, Is.Empty);
        string[] doubled = await _page.EvaluateAsync<string[]>("""
            () => { const ids = [...document.querySelectorAll("[id]")].map(one => one.id); return ids.filter((id, at) => ids.indexOf(id) !== at); }
            """);
        Assert.That(doubled, Is.Empty, "ids that labels point to");
        await _page.GetByLabel("Token").FocusAsync();
        await _page.Keyboard.PressAsync("Tab");
        Assert.That(await _page.EvaluateAsync<string>("() => document.activeElement.id"), Is.EqualTo("use"));
        Assert.That(await _page.EvaluateAsync<string>("() => document.documentElement.lang"), Is.EqualTo("en"));
    }

    private async Task UseAsync(string token)
    {
        await _page.GetByLabel("Token").FillAsync(token);
        await _page.GetByRole(AriaRole.Button, new() { Name = "Use it" }).ClickAsync();
    }
}
