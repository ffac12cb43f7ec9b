#!/usr/bin/env pwsh
# Settlement's commands in one place, for PowerShell 7: ./run.ps1 VERB [arguments]. Only the language, .NET and native commands are
# used, no cmdlet of a module, so that it also runs in an engine hosted by another program (tests/RunScript does that).
# Invariant: what a verb starts gets its arguments as they were typed, and its exit code is this script's; 2: the verb or value is
# unusable. PowerShell itself drops a bare -- and takes $ ; ( ) unless they stand in quotes.

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false

$verbs = [ordered]@{
    'help'              = 'this list'
    'build'             = 'builds everything, Release, warnings as errors'
    'test [FILTER]'     = 'runs the tests; FILTER is part of a test''s full name, or an expression for dotnet test --filter'
    'settle [ARGS]'     = 'settles files of payments; without ARGS the sample; settle --help lists all'
    'serve [ARGS]'      = 'serves a ledger over the binary protocol and HTTP; serve --help lists all'
    'cluster [ARGS]'    = 'several nodes, one ledger; without ARGS three on this machine, in ./cluster, until Ctrl+C'
    'token [ARGS]'      = 'prints a token for the HTTP API, signed with a session''s key'
    'participant [ARGS]' = 'adds and lists participants, with their first session and key'
    'key [ARGS]'        = 'makes, registers, revokes and lists keys'
    'rules [ARGS]'      = 'modules of law: checks files, and changes the law of a ledger; rules --help lists all'
    'replay [ARGS]'     = 'the operator''s tool over a journal'
    'bench VERB [ARGS]' = 'measures; bench --help lists the verbs'
    'generate [ARGS]'   = 'writes wallets.csv and payments.csv of any size; generate --help lists all'
    'chaos [ARGS]'      = 'breaks three nodes under load for half an hour, and checks them from outside; chaos --help lists all'
    'scenarios [-Rounds N]' = 'the scenarios that a cluster must survive, each so many rounds (10)'
    'soak [-Hours N]'   = 'runs every long test for N hours each (1)'
    'simulate [ARGS]'   = 'runs a node and a cluster of three in virtual time with seeded faults; --seconds N, --seed S'
    'clean'             = 'deletes what builds and tests have left'
}

function Show-Help {
    'Settlement: ./run.ps1 VERB [arguments]'
    ''
    foreach ($verb in $verbs.Keys) { '  {0,-21}  {1}' -f $verb, $verbs[$verb] }
}

function Stop-Unusable([string] $sentence) {
    [Console]::Error.WriteLine($sentence)
    exit 2
}

# PowerShell splits -name:value in two and reads a,b as a list: both are put together again.
function Join-Typed([object[]] $typed) {
    $joined = @()
    for ($i = 0; $i -lt $typed.Count; $i++) {
        $one = $typed[$i]
        if ($one -is [array]) { $one = $one -join ',' }
        if ($one -is [string] -and $one -match '^-.+:$' -and $i + 1 -lt $typed.Count) { $one = "$one$($typed[++$i])" }
        $joined += $one
    }
    , $joined
}

function Invoke-Project([string] $project, [object[]] $arguments) {
    & dotnet run -c Release --project "$PSScriptRoot/$project" -- @arguments
}

function Invoke-Tests([object[]] $arguments) {
    & dotnet test "$PSScriptRoot/Settlement.sln" -c Release @arguments
}

function Invoke-FilteredTests([object[]] $arguments) {
    if ($arguments.Count -eq 0 -or "$($arguments[0])".StartsWith('-')) {
        Invoke-Tests $arguments
        return
    }
    $filter = "$($arguments[0])"
    if ($filter -notmatch '[=~]') { $filter = "FullyQualifiedName~$filter" }
    $others = @()
    for ($i = 1; $i -lt $arguments.Count; $i++) { $others += $arguments[$i] }
    Invoke-Tests (@('--filter', $filter) + $others)
}

# The long tests read SETTLEMENT_LONG_SECONDS: how long each of them may go on.
function Invoke-Soak([object[]] $arguments) {
    $hours = '1'
    $others = @()
    for ($i = 0; $i -lt $arguments.Count; $i++) {
        $one = "$($arguments[$i])"
        if ($one -match '^--?hours$') { $hours = if ($i + 1 -lt $arguments.Count) { $arguments[++$i] } else { '' } }
        elseif ($one -match '^--?hours[:=](.*)$') { $hours = $Matches[1] }
        else { $others += $arguments[$i] }
    }
    $count = $hours -as [double]
    if ("$hours" -eq '' -or $null -eq $count -or $count -le 0 -or $count -gt 1000) {
        Stop-Unusable "soak -Hours ${hours}: a number above 0, up to 1000, expected."
    }
    Invoke-LongTests 'SETTLEMENT_LONG_SECONDS' "$([Math]::Ceiling($count * 3600))" 'TestCategory=Long' $others
}

# The scenarios read SETTLEMENT_SCENARIO_ROUNDS.
function Invoke-Scenarios([object[]] $arguments) {
    $rounds = '10'
    $others = @()
    for ($i = 0; $i -lt $arguments.Count; $i++) {
        $one = "$($arguments[$i])"
        if ($one -match '^--?rounds$') { $rounds = if ($i + 1 -lt $arguments.Count) { $arguments[++$i] } else { '' } }
        elseif ($one -match '^--?rounds[:=](.*)$') { $rounds = $Matches[1] }
        else { $others += $arguments[$i] }
    }
    if ("$rounds" -notmatch '^[1-9][0-9]{0,5}$') { Stop-Unusable "scenarios -Rounds ${rounds}: a whole number, 1 to 999999, expected." }
    Invoke-LongTests 'SETTLEMENT_SCENARIO_ROUNDS' "$rounds" 'FullyQualifiedName~Settlement.Tests.Chaos&FullyQualifiedName~ScenarioTests' $others
}

# With a variable of the environment that they read, which is put back.
function Invoke-LongTests([string] $variable, [string] $value, [string] $filter, [object[]] $others) {
    $before = [Environment]::GetEnvironmentVariable($variable)
    if ($null -eq $before) { $before = [NullString]::Value }
    [Environment]::SetEnvironmentVariable($variable, $value)
    try { Invoke-Tests (@('--filter', $filter, '--logger', 'console;verbosity=detailed') + $others) }
    finally { [Environment]::SetEnvironmentVariable($variable, $before) }
}

function Remove-Built {
    $places = @("$PSScriptRoot/TestResults", "$PSScriptRoot/BenchmarkDotNet.Artifacts")
    foreach ($project in 'engine', 'engine/Domain', 'gateway', 'gateway/client', 'replay', 'replay/History', 'perf', 'tests') {
        $places += "$PSScriptRoot/$project/bin", "$PSScriptRoot/$project/obj", "$PSScriptRoot/$project/TestResults"
    }
    foreach ($place in $places) {
        if ([System.IO.Directory]::Exists($place)) { [System.IO.Directory]::Delete($place, $true) }
    }
}

$typed = Join-Typed $args
$verb = if ($typed.Count -gt 0) { "$($typed[0])" } else { 'help' }
$rest = @()
for ($i = 1; $i -lt $typed.Count; $i++) { $rest += $typed[$i] }

if ($verb -in 'help', '-h', '-help', '--help', '-?') { Show-Help; exit 0 }
if ($verb -eq 'clean') { Remove-Built; exit 0 }
if ($verb -notin 'build', 'test', 'settle', 'serve', 'cluster', 'token', 'participant', 'key', 'rules', 'replay', 'bench', 'generate', 'soak', 'simulate', 'chaos', 'scenarios') {
    Stop-Unusable "'$verb' is not a verb: ./run.ps1 help lists them."
}
if ($null -eq (Get-Command dotnet -ErrorAction Ignore)) { Stop-Unusable 'dotnet is not on the path: install the .NET 10 SDK.' }

switch ($verb) {
    'build'    { & dotnet build "$PSScriptRoot/Settlement.sln" -c Release -warnaserror @rest }
    'test'     { Invoke-FilteredTests $rest }
    'settle'   { Invoke-Project 'gateway' (@('settle') + $rest) }
    'cluster'  { Invoke-Project 'gateway' $(if ($rest.Count -gt 0) { @('cluster') + $rest } else { @('cluster', 'trial', '--data', 'cluster') }) }
    { $_ -in 'serve', 'token', 'participant', 'key', 'rules' } { Invoke-Project 'gateway' (@($verb) + $rest) }
    'replay'   { Invoke-Project 'replay' $rest }
    'bench'    { Invoke-Project 'perf' $rest }
    'generate' { Invoke-Project 'perf' (@('generate') + $rest) }
    'chaos'    { Invoke-Project 'perf' (@('chaos') + $rest) }
    'scenarios' { Invoke-Scenarios $rest }
    'soak'     { Invoke-Soak $rest }
    'simulate' { Invoke-Project 'tests' (@('simulate') + $rest) }
}
exit $LASTEXITCODE
